// SPDX-License-Identifier: Apache-2.0
// guest.hpp - for tests: a metronome in a real VMM, in folders of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/places.hpp"
#include "core/base/spawn.hpp"
#include "core/base/temp_dir.hpp"
#include "core/control/client.hpp"
#include "tests/support/guest_page.hpp"
#include "tests/support/leak.hpp"

namespace segue::test {

struct GuestSpec {
    std::string vmm, kernel; // paths
    unsigned vcpus = 1, mib = 64;
    std::vector<std::string> modes = {"cpr-transfer"}; // the first one is the usual one
    std::string backend = "memfd";                     // "file": in the guest's own folder
    std::string memory;       // further blocks, or keys of the one there is, as in "lock = true\n"
    std::string mode_options; // of the first mode, as in "ram = 'copy'"
    std::string transport = "unix", options; // of channel "main"; options as in "a = 1, b = 2"
    std::string data;                        // channel "data", as in "transport = 'unix'"
    std::string request;                     // channel "request", likewise
    std::string at_rest;                     // channel "at-rest", as in "transport = 'file'"
    std::string hosts;                       // channel "hosts", which leads to another one
    std::vector<std::string> plugin_dirs;    // before the built-in one
    std::vector<std::string> set;            // overrides, "key=value"
    std::string prepare = "60s", handover = "60s"; // deadlines: only who tests one waits for it
};

// The VMM is a child of the test, which also inherits every process that its parent leaves behind
// (PR_SET_CHILD_SUBREAPER). Nothing of it is left when this ends. [main]
class Guest {
public:
    explicit Guest(GuestSpec spec);
    ~Guest();
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    // Until the guest has filled its memory; one in private memory, until its VMM answers.
    Status start();
    // Instead: its VMM waits at that address for the guest to come from another host.
    Status start_incoming(const std::string& address);
    // Its RAM is another file now: page() is of that.
    Status follow();
    // A VMM beside the one that runs: `more` arguments, this configuration.
    Result<Child> start_vmm(const std::vector<std::string>& more = {}) const;

    // The configuration that start() uses, or another one for an update; gives its path.
    std::string write_config(const std::string& file, const GuestSpec& spec) const;
    const GuestSpec& spec() const { return spec_; }
    std::string operator/(const std::string& file) const { return dir_ / file; }
    const GuestPlaces& places() const { return places_; }
    // `binary` and `config` empty: what the guest was started with.
    control::Client client() const;
    const Child& first() const { return *first_; } // the VMM that start() started
    const GuestPage& page() const { return *page_; }
    // One character to the console.
    Status type(char c) const;

    // Every process of this guest, whoever started it.
    std::vector<pid_t> processes() const { return processes_with(dir_.path()); }
    // Once they are `these`, or what they are at the deadline: an undertaker, or a sanitizer's own
    // process, may outlive its VMM for a moment.
    std::vector<pid_t> processes_until(const std::vector<pid_t>& these, Deadline deadline) const;
    // What the VMM `pid` holds, and what lies in the folders.
    Holdings holdings(pid_t pid) const;
    // Records of the journal, oldest first.
    std::vector<report::UpdateRecord> journal() const;
    std::string log() const;

private:
    Status answers(Deadline deadline);

    GuestSpec spec_;
    TempDir dir_;
    GuestPlaces places_;
    std::optional<Child> first_;
    std::optional<GuestPage> page_;
    UniqueFd console_; // held open: a terminal that nobody has open loses what is in it
};

} // namespace segue::test
