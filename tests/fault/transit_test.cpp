// SPDX-License-Identifier: Apache-2.0
// transit_test.cpp - the state, or RAM, is not what was sent when it arrives, or not what was kept
// when it is taken.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/base/temp_dir.hpp"
#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

// --- before the commit: the guest stays

// On its way to a peer: `how` are options of the transport "spoilt", plugins/spoilt.cpp. On its way
// to rest: a command that takes it, into the file F. cpr-exec asks for a file, which nobody else
// writes; a file system that loses something is in core/update/at_rest_test.cpp.
struct Spoilt {
    const Mode* mode;
    const char* name;
    const char* how;
    const char* handover; // deadline; of the copy where that is the phase
    const char* phase;
    Code code;
};
void PrintTo(const Spoilt& row, std::ostream* out) {
    *out << row.mode->id << ", " << row.name;
}

const Spoilt kSpoilt[] = {
    {&kTransfer, "NotAContainer", "way = 'flip', at = 0", "60s", "commit", Code::Corrupt},
    {&kTransfer, "OfAnotherVersion", "way = 'flip', at = 16", "60s", "commit", Code::Unsupported},
    {&kTransfer, "OfAnotherGeneration", "way = 'flip', at = 20", "60s", "commit", Code::Corrupt},
    {&kTransfer, "BitFlippedInASection", "way = 'flip', at = 300", "60s", "commit", Code::Corrupt},
    {&kTransfer, "BitFlippedFarBehind", "way = 'flip', at = 4000", "60s", "commit", Code::Corrupt},
    {&kTransfer, "Truncated", "way = 'cut', at = 1000", "60s", "commit", Code::Refused},
    {&kTransfer, "NothingOfIt", "way = 'cut', at = 0", "60s", "commit", Code::Refused},
    {&kTransfer, "TailLost", "way = 'lose', at = 1000", "2s", "commit", Code::Deadline},
    {&kTransfer, "Stalled", "way = 'stall', at = 1000", "2s", "handover", Code::Deadline},
    // Of RAM, over three channels: most of it goes over the first one, and the other two wait.
    {&kPrecopy, "BitFlippedInAPage", "way = 'flip', at = 2000000", "60s", "copy", Code::Corrupt},
    {&kPrecopy, "BitFlippedInARun", "way = 'flip', at = 30", "60s", "copy", Code::Corrupt},
    {&kPrecopy, "Truncated", "way = 'cut', at = 2000000", "60s", "copy", Code::Refused},
    {&kPrecopy, "TailLost", "way = 'lose', at = 2000000", "2s", "copy", Code::Deadline},
    {&kPrecopy, "Stalled", "way = 'stall', at = 2000000", "2s", "copy", Code::Deadline},
    // As much of it as goes before the guest does.
    {&kPostcopy, "BitFlippedInAPage", "way = 'flip', at = 300000", "60s", "copy", Code::Corrupt},
    {&kPostcopy, "BitFlippedInARun", "way = 'flip', at = 30", "60s", "copy", Code::Corrupt},
    {&kPostcopy, "Truncated", "way = 'cut', at = 300000", "60s", "copy", Code::Refused},
    {&kPostcopy, "TailLost", "way = 'lose', at = 300000", "2s", "copy", Code::Deadline},
    {&kPostcopy, "Stalled", "way = 'stall', at = 300000", "2s", "copy", Code::Deadline},
    {&kReboot, "WrittenOver",
     "cat > F; printf 'segue was here' | dd of=F bs=1 seek=4000 conv=notrunc", "60s", "handover",
     Code::Corrupt},
    {&kReboot, "TailLost", "head -c 4000 > F; cat > /dev/null", "60s", "handover", Code::Corrupt},
    {&kReboot, "NothingOfIt", "cat > /dev/null; : > F", "60s", "handover", Code::Corrupt},
    {&kReboot, "CommandDies", "cat > F; kill -9 $$", "60s", "handover", Code::Io},
    {&kReboot, "Stalled", "cat > F; exec sleep 1000", "2s", "handover", Code::Deadline},
};

class Passed : public FaultTest, public testing::WithParamInterface<Spoilt> {
protected:
    std::string command(const std::string& text) const {
        std::string all;
        for (const char c : text)
            all += c == 'F' ? keep_ / "state" : std::string(1, c);
        return all;
    }
    const TempDir keep_;
};

TEST_P(Passed, SpoiltStateIsRefused) {
    const Spoilt& row = GetParam();
    test::GuestSpec spec = spec_of(*row.mode);
    if (row.mode == &kTransfer) {
        spec.transport = "spoilt";
        spec.options = row.how;
    } else if (row.mode->copies) {
        spec.data = "transport = 'spoilt', options = { " + std::string(row.how) + " }";
        spec.mode_options = "channels = 3";
        if (row.phase == std::string("copy"))
            spec.set = {"update.deadline.copy=" + std::string(row.handover)};
    } else {
        spec.at_rest = "transport = 'exec', options = { out = \"" + command(row.how) +
                       "\", in = \"" + command("cat F") + "\" }";
    }
    spec.handover = row.handover;
    boot(*row.mode, spec);
    update();
    expect_refused({row.code, row.phase, "", ""});
}

INSTANTIATE_TEST_SUITE_P(Fault, Passed, testing::ValuesIn(kSpoilt), [](const auto& row) {
    return test_name(*row.param.mode, row.param.name);
});

// --- after the commit: on one host the guest ends with the RAM that it cannot have, and runs with
// nothing that was spoilt

struct SpoiltLate {
    const char* name;
    const char* channel; // unasked, or asked for
    const char* how;
    const char* says;
};
void PrintTo(const SpoiltLate& row, std::ostream* out) {
    *out << row.name;
}

const SpoiltLate kSpoiltLate[] = {
    {"BitFlippedInAPage", "data", "way = 'flip', at = 300000", "do not match their checksum"},
    {"Truncated", "data", "way = 'cut', at = 300000", "hung up"},
    {"BitFlippedInAPageThatWasAskedFor", "request", "way = 'flip', at = 2000",
     "do not match their checksum"},
    {"TruncatedInAPageThatWasAskedFor", "request", "way = 'cut', at = 2000", "hung up"},
};

class Fetched : public FaultTest, public testing::WithParamInterface<SpoiltLate> {};

TEST_P(Fetched, SpoiltRamIsNotTaken) {
    const SpoiltLate& row = GetParam();
    test::GuestSpec spec = spec_of(kPostcopy);
    const bool asked = row.channel == std::string("request");
    (asked ? spec.request : spec.data) =
        "transport = 'spoilt', options = { " + std::string(row.how) + " }";
    if (asked) // some is, before all has come unasked
        spec.mode_options += ", bandwidth_after = '1M'";
    boot(kPostcopy, spec);
    update();
    expect_lost({});
    EXPECT_EQ(told().error->detail("phase"), "fetch");
    EXPECT_THAT(told().error->what(), testing::HasSubstr(row.says));
}

INSTANTIATE_TEST_SUITE_P(Fault, Fetched, testing::ValuesIn(kSpoiltLate),
                         [](const auto& row) { return row.param.name; });

// --- at rest, once it was read back: nobody can take it any more, and nobody does

struct Damage {
    const Mode* mode;
    const char* name;
    void (*act)(const std::string& state);
    const char* says; // in the log of who would have taken it
};
void PrintTo(const Damage& row, std::ostream* out) {
    *out << row.mode->id << ", " << row.name;
}

void flip(const std::string& state, std::streamoff at) {
    std::fstream file(state, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char was = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(was ^ 1));
}
void flip_far_behind(const std::string& state) {
    flip(state, 4000);
}
void truncate(const std::string& state) {
    std::filesystem::resize_file(state, 4000);
}
void take_away(const std::string& state) {
    std::filesystem::remove(state);
}

const Damage kDamages[] = {
    {&kExec, "BitFlipped", flip_far_behind, "checksum"},
    {&kExec, "Truncated", truncate, "error: "},
    {&kExec, "TakenAway", take_away, "No such file"},
    {&kReboot, "BitFlipped", flip_far_behind, "not the one that the owner announced"},
    {&kReboot, "Truncated", truncate, "error: "},
    {&kReboot, "TakenAway", take_away, "No such file"},
};

class Kept : public FaultTest, public testing::WithParamInterface<Damage> {};

TEST_P(Kept, DamagedStateIsNotTaken) {
    const Damage& row = GetParam();
    boot(*row.mode);
    update_until("old commit");
    const std::string state = guest_->places().run + "/" + kState;
    row.act(state);
    barriers_->release("old commit");
    expect_exit(old_);
    std::vector<std::string> left = {"owner"};
    if (mode_->same_process) // ends as in any crash; a holder leaves the place in order
        left.insert(left.end(), {"api.sock", "lock"});
    if (row.act != take_away)
        left.emplace_back(kState);
    expect_lost(left);
    EXPECT_THAT(guest_->log(), testing::HasSubstr(row.says));
}

INSTANTIATE_TEST_SUITE_P(Fault, Kept, testing::ValuesIn(kDamages), [](const auto& row) {
    return test_name(*row.param.mode, row.param.name);
});

} // namespace
} // namespace segue::fault
