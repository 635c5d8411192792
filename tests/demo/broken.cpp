// SPDX-License-Identifier: Apache-2.0
// broken.cpp - a release with a bug: it is built, started and rehearsed like any other, and crashes
// at the worst moment, with the guest stopped, its state loaded, and nobody's word given yet.
#include <csignal>

#include "vmm/main/run_vmm.hpp"

namespace {

class CrashInCommit final : public segue::report::Report {
public:
    void phase(segue::report::Phase phase, const segue::report::UpdateRecord&) override {
        if (phase == segue::report::Phase::Commit)
            ::raise(SIGSEGV);
    }
    void ended(const segue::report::UpdateRecord&) override {}
};

} // namespace

int main(int argc, char** argv) {
    CrashInCommit report;
    return segue::vmm::run_vmm(argc, argv, &report);
}
