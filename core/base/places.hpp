// SPDX-License-Identifier: Apache-2.0
// places.hpp - the folders of a guest: sockets, owner and lock on tmpfs; journals on disk.
#pragma once

#include <string>
#include <vector>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue {

// One guest's files. Plain paths; nothing is opened here.
struct GuestPlaces {
    std::string run;   // <run-dir>/<name>, mode 0700, on tmpfs
    std::string state; // <state-dir>/<name>

    std::string api_socket() const { return run + "/api.sock"; }
    std::string standby_socket() const { return run + "/standby.sock"; }
    std::string owner() const { return run + "/owner"; }
    std::string lock() const { return run + "/lock"; }
    std::string log() const { return run + "/vmm.log"; }
    std::string start_file() const { return state + "/start"; } // core/base/start_file.hpp
    std::string journal() const { return state + "/journal.jsonl"; }
};

// --run-dir and --state-dir, or what stands in their place; both go on to successors.
struct Places {
    std::string run_dir, state_dir;

    // Empty: the first of /run/segue (root), $XDG_RUNTIME_DIR/segue and /dev/shm/segue-<uid> that
    // lies on tmpfs; /var/lib/segue (root) or $XDG_STATE_HOME/segue.
    static Result<Places> find(const std::string& run_dir, const std::string& state_dir);

    // INVALID for a name that is no plain file name.
    Result<GuestPlaces> guest(const std::string& name) const;
    // Names with a folder in the run directory, sorted.
    std::vector<std::string> guests() const;
    // Names with a folder in the state directory, sorted: they have, or had, a journal.
    std::vector<std::string> recorded() const;
};

// Makes both folders of a guest, those above them too. REFUSED where the run folder belongs to
// somebody else or others may write there.
Status create(const GuestPlaces& places);

// The lock of a run folder: an OFD lock, so it goes with the descriptor to the next generation.
// EXISTS where a VMM holds it. Closing the last copy gives it up; nobody unlocks.
Result<UniqueFd> take_lock(const GuestPlaces& places);
// True while any process holds the lock. A folder that nobody holds is stale.
bool is_locked(const GuestPlaces& places);

} // namespace segue
