// SPDX-License-Identifier: Apache-2.0
#include "core/update/passing.hpp"

#include <algorithm>

namespace segue::update {

namespace {

constexpr std::size_t kBatch = 128;

// Every descriptor that goes along, in the order in which both sides count them.
std::vector<int> outgoing_fds(const Session& s) {
    std::vector<int> fds;
    for (const inventory::Item& item : s.inventory.items())
        fds.push_back(item.fd.get());
    for (std::size_t i = 0; i < s.ram_of_block.size(); ++i) {
        const bool other = i < s.ram_fds.size() && s.ram_fds[i] >= 0;
        if ((s.ram_of_block[i] & SEGUE_RAM_IN_PLACE) != 0)
            fds.push_back(other ? s.ram_fds[i] : s.inventory.blocks()[i].fd.get());
    }
    return fds;
}

std::size_t announced(const Session& s) {
    const auto in_place =
        std::count_if(s.facts.blocks.begin(), s.facts.blocks.end(),
                      [](const auto& b) { return (b.ram & SEGUE_RAM_IN_PLACE) != 0; });
    return s.facts.items.size() + static_cast<std::size_t>(in_place);
}

Status send_inventory(Session& s, Channel& ch) {
    const std::vector<int> fds = outgoing_fds(s);
    for (std::size_t at = 0; at < fds.size(); at += kBatch) {
        const std::uint64_t first = at;
        const auto batch = std::span(fds).subspan(at, std::min(kBatch, fds.size() - at));
        SEGUE_TRY(ch.send(Frame::Inventory, std::as_bytes(std::span(&first, 1)), batch, s.wait()));
        SEGUE_ASSIGN(const FrameHeader ack, ch.expect(Frame::Ack, 0, s.wait()));
        (void)ack;
    }
    return {};
}

// Puts descriptor number `n` where it belongs.
Status place(Session& s, std::size_t n, UniqueFd fd) {
    if (n < s.facts.items.size()) {
        SEGUE_TRY(inventory::check(s.facts.items[n], fd.get()));
        return s.inventory.add(inventory::Item{s.facts.items[n].name, std::move(fd)});
    }
    n -= s.facts.items.size();
    for (std::size_t i = 0; i < s.facts.blocks.size(); ++i) {
        if ((s.facts.blocks[i].ram & SEGUE_RAM_IN_PLACE) == 0)
            continue;
        if (n-- != 0)
            continue;
        SEGUE_TRY(inventory::check(s.facts.blocks[i], fd.get()));
        s.block_fds[i] = std::move(fd);
        return {};
    }
    return Error(Code::Corrupt, "more descriptors came than were announced");
}

Status receive_inventory(Session& s, Channel& ch) {
    const std::size_t total = announced(s);
    s.block_fds.resize(s.facts.blocks.size());
    for (std::size_t at = 0; at < total;) {
        SEGUE_ASSIGN(const FrameHeader h, ch.expect(Frame::Inventory, 8, s.wait()));
        std::uint64_t first = 0;
        if (h.length != sizeof first)
            return Error(Code::Corrupt, "an inventory message without a number");
        SEGUE_TRY(ch.receive(std::as_writable_bytes(std::span(&first, 1)), s.wait()));
        if (first != at || h.fds == 0 || ch.fds().size() != h.fds)
            return Error(Code::Corrupt, "an inventory message announced " + std::to_string(h.fds) +
                                            " descriptors and brought " +
                                            std::to_string(ch.fds().size()));
        std::vector<UniqueFd> fds = std::move(ch.fds());
        ch.fds().clear();
        for (UniqueFd& fd : fds)
            SEGUE_TRY(place(s, at++, std::move(fd)));
        SEGUE_TRY(ch.send(Frame::Ack, std::span<const std::byte>{}, {}, s.wait()));
    }
    return {};
}

Status receive_state(Session& s, Channel& ch) {
    SEGUE_ASSIGN(const FrameHeader h, ch.expect(Frame::State, kMaxState, s.wait()));
    s.state_in.resize(h.length);
    return ch.receive(s.state_in, s.wait());
}

} // namespace

Status pass_inventory(Session& s, Channel& ch) {
    SEGUE_TRY(s.side() == Side::Outgoing ? send_inventory(s, ch) : receive_inventory(s, ch));
    s.inventory_passed = true;
    return {};
}

Status pass_state(Session& s, Channel& ch) {
    SEGUE_TRY(s.side() == Side::Outgoing ? ch.send(Frame::State, s.state_out, {}, s.wait())
                                         : receive_state(s, ch));
    s.state_passed = true;
    return {};
}

// Batches end with an empty one.
Status send_items(const Stream& stream, const inventory::Inventory& inventory, const Waiter& wait) {
    SEGUE_ASSIGN(const inventory::Facts all, inventory::describe_items(inventory));
    for (std::size_t at = 0;;) {
        const std::size_t n = std::min(kBatch, all.items.size() - at);
        const auto first = all.items.begin() + static_cast<std::ptrdiff_t>(at);
        inventory::Facts batch{{first, first + static_cast<std::ptrdiff_t>(n)}, {}};
        std::vector<int> fds;
        for (const inventory::ItemFacts& item : batch.items)
            fds.push_back(inventory.find(item.name));
        state::Writer out{state::Header{}};
        inventory::write(batch, out);
        SEGUE_TRY(stream.send(MessageType::Items, out.finish(), fds, wait));
        if (n == 0)
            return {};
        at += n;
    }
}

Status receive_items(const Stream& stream, inventory::Inventory& inventory, const Waiter& wait) {
    for (;;) {
        SEGUE_ASSIGN(Message m, stream.expect(MessageType::Items, wait));
        SEGUE_ASSIGN(const state::Reader in, state::Reader::parse(m.body));
        SEGUE_ASSIGN(const inventory::Facts batch, inventory::read(in));
        if (batch.items.size() != m.fds.size())
            return Error(Code::Corrupt,
                         "a message announced " + std::to_string(batch.items.size()) +
                             " descriptors and brought " + std::to_string(m.fds.size()));
        if (m.fds.empty())
            return {};
        for (std::size_t i = 0; i < m.fds.size(); ++i) {
            SEGUE_TRY(inventory::check(batch.items[i], m.fds[i].get()));
            SEGUE_TRY(inventory.add(inventory::Item{batch.items[i].name, std::move(m.fds[i])}));
        }
    }
}

// A keeper knows names, so the number that both sides count by is the name.
Status hold_inventory(Session& s, plugin::Keeper& keeper) {
    const std::vector<int> fds = outgoing_fds(s);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < fds.size(); ++i)
        names.push_back("segue." + std::to_string(i));
    std::vector<segue_item> items;
    for (std::size_t i = 0; i < fds.size(); ++i)
        items.push_back({names[i].c_str(), fds[i], 0});
    SEGUE_TRY(keeper.check(items));
    SEGUE_TRY(keeper.hold(items));
    s.inventory_passed = true;
    return {};
}

Status take_inventory(Session& s, plugin::Keeper& keeper) {
    SEGUE_ASSIGN(std::vector<plugin::KeptFd> kept, keeper.take());
    const std::size_t total = announced(s);
    s.block_fds.resize(s.facts.blocks.size());
    for (std::size_t n = 0; n < total; ++n) {
        const std::string name = "segue." + std::to_string(n);
        const auto at = std::find_if(kept.begin(), kept.end(),
                                     [&](const plugin::KeptFd& k) { return k.name == name; });
        if (at == kept.end())
            return Error(Code::Refused, keeper.name() + " did not give descriptor " +
                                            std::to_string(n) + " of the inventory back")
                .with("plugin", keeper.name());
        SEGUE_TRY(place(s, n, std::move(at->fd)));
    }
    s.inventory_passed = true;
    return {};
}

} // namespace segue::update
