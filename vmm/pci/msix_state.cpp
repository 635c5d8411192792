// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/msix_state.hpp"

#include <linux/pci_regs.h>

namespace segue::vmm::pci {

namespace {

Result<std::vector<std::byte>> get(const state::Section& section, const char* key,
                                   std::size_t bytes) {
    SEGUE_ASSIGN(const auto data, section.bytes(key));
    if (data.size() != bytes)
        return Error(Code::Unsupported, std::string("MSI-X: the guest's ") + key + " has " +
                                            std::to_string(data.size()) +
                                            " bytes, this VMM makes " + std::to_string(bytes))
            .way_out("update to a VMM that makes the guest's device");
    return std::vector<std::byte>(data.begin(), data.end());
}

} // namespace

void MsixState::write(state::Writer& section) const {
    section.put_bytes("msix_table", table);
    section.put_bytes("msix_pending", pending);
}

Result<MsixState> MsixState::read(const state::Section& section, std::size_t vectors) {
    MsixState s;
    SEGUE_ASSIGN(s.table, get(section, "msix_table", vectors * PCI_MSIX_ENTRY_SIZE));
    SEGUE_ASSIGN(s.pending, get(section, "msix_pending", vectors));
    return s;
}

} // namespace segue::vmm::pci
