// SPDX-License-Identifier: Apache-2.0
// The journal and what is read from it. A line here is "GUEST ID STATUS": the encoding is
// another's.
#include "core/report/journal.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/base/temp_dir.hpp"
#include "core/report/history.hpp"

namespace segue::report {
namespace {

std::string encode(const UpdateRecord& r) {
    return r.guest + " " + r.id + " " + std::to_string(static_cast<int>(r.status));
}

Result<UpdateRecord> decode(std::string_view line) {
    std::istringstream in{std::string(line)};
    UpdateRecord r;
    int status = -1;
    in >> r.guest >> r.id >> status;
    if (!in || status < 0 || status > static_cast<int>(UpdateStatus::Cancelled))
        return Error(Code::Invalid, "no record");
    r.status = static_cast<UpdateStatus>(status);
    return r;
}

UpdateRecord record(const std::string& id, UpdateStatus status = UpdateStatus::Completed) {
    UpdateRecord r;
    r.guest = "g";
    r.id = id;
    r.status = status;
    return r;
}

struct JournalTest : testing::Test {
    TempDir dir;
    std::string path = dir / "j";
    Journal journal{path, encode};

    static std::string read(const std::string& file) {
        std::ostringstream all;
        all << std::ifstream(file).rdbuf();
        return all.str();
    }
    void write(const std::string& file, const std::string& text) { std::ofstream(file) << text; }
    History history(std::size_t max = kWholeHistory) const {
        auto h = read_history(path, decode, max);
        EXPECT_TRUE(h) << h.error().what();
        return h ? std::move(*h) : History();
    }
    // "1-1 1-2", with those that are not over in brackets.
    static std::string ids(const History& history) {
        std::string text;
        for (const auto& r : history.records)
            text += (text.empty() ? "" : " ") + (is_final(r.status) ? r.id : "(" + r.id + ")");
        return text;
    }
};

TEST_F(JournalTest, OneLineAtTheBeginningAndOneAtTheEnd) {
    journal.phase(Phase::Preflight, record("1-1", UpdateStatus::Setup));
    EXPECT_EQ(ids(history()), "(1-1)") << "whoever dies now has left this";
    for (const auto phase : {Phase::Prepare, Phase::Copy, Phase::Pause, Phase::Commit})
        journal.phase(phase, record("1-1", UpdateStatus::Device));
    EXPECT_EQ(read(path), "g 1-1 0\n");
    Journal next(path, encode); // the next generation's
    next.ended(record("1-1"));
    EXPECT_EQ(read(path), "g 1-1 0\ng 1-1 3\n");
    EXPECT_EQ(ids(history()), "1-1");
    EXPECT_EQ(sys::stat(sys::open(path, O_RDONLY)->get())->st_mode & 0777, 0600u);
}

TEST_F(JournalTest, ErrorsNameTheFile) {
    const Journal nowhere("/nowhere/j", encode);
    EXPECT_NE(nowhere.append(record("1-1")).error().what().find("/nowhere/j"), std::string::npos);
    const Journal endless(path, [](const UpdateRecord&) { return std::string(1u << 20, 'x'); });
    EXPECT_EQ(endless.append(record("1-1")).code(), Code::Invalid);
    EXPECT_EQ(read(path), "");
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(Journal(dir / "fifo", encode).append(record("1-1")).code(), Code::Invalid);
    EXPECT_EQ(read_history(dir / "fifo", decode).code(), Code::Invalid);
}

TEST_F(JournalTest, ATornLineSpoilsNoOther) {
    write(path, "g 1-1 3\ng 1-");
    EXPECT_EQ(ids(history()), "1-1");
    EXPECT_EQ(history().damaged, 1u);
    ASSERT_TRUE(journal.append(record("1-3")));
    EXPECT_EQ(read(path), "g 1-1 3\ng 1-\ng 1-3 3\n");
    EXPECT_EQ(ids(history()), "1-1 1-3");
    EXPECT_EQ(history().damaged, 1u);
}

TEST_F(JournalTest, GuestsOfOneNameAreKeptApart) {
    write(path, "g 1-1 3\nh 1-1 0\ng 1-2 4\nh 1-1 4\n");
    EXPECT_EQ(ids(history()), "1-1 1-1 1-2");
    EXPECT_EQ(history().records[1].status, UpdateStatus::Failed);
}

TEST_F(JournalTest, AFullFileBecomesTheOlderOne) {
    JournalLimits limits;
    limits.file = 20;
    const Journal small(path, encode, limits);
    for (int i = 1; i <= 7; ++i)
        ASSERT_TRUE(small.append(record("1-" + std::to_string(i))));
    EXPECT_EQ(read(path), "g 1-7 3\n");
    EXPECT_EQ(read(older_journal(path)), "g 1-4 3\ng 1-5 3\ng 1-6 3\n");
    EXPECT_EQ(ids(history()), "1-4 1-5 1-6 1-7");
    EXPECT_EQ(ids(history(16)), "1-7") << "whatever may begin amid a line is left out";
    EXPECT_EQ(ids(history(17)), "1-6 1-7");
}

TEST_F(JournalTest, NothingThereIsAnEmptyHistory) {
    EXPECT_TRUE(history().records.empty());
    write(path, std::string("\0\xff\n\n\n", 5));
    EXPECT_TRUE(history().records.empty());
    EXPECT_EQ(history().damaged, 1u);
}

// Old and new generation write at the same time, and the file is changed beneath them.
TEST_F(JournalTest, WritersAtTheSameTimeLoseNoLine) {
    constexpr int kWriters = 4, kLines = 100;
    JournalLimits limits;
    limits.file = 2000; // changed once: 3,560 bytes are written
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w)
        writers.emplace_back([&, w] {
            const Journal one(path, encode, limits);
            for (int i = 0; i < kLines; ++i)
                EXPECT_TRUE(one.append(record(std::to_string(w) + "-" + std::to_string(i))));
        });
    for (auto& writer : writers)
        writer.join();
    EXPECT_EQ(history().damaged, 0u);
    EXPECT_EQ(history().records.size(), std::size_t{kWriters} * kLines);
}

TEST_F(JournalTest, TheEndKeepsWhatOnlyTheBeginningKnows) {
    auto begun = record("1-1", UpdateStatus::Setup);
    begun.began_at = 7, begun.from_version = "v", begun.from_pid = 9;
    begun.key = "k", begun.request_digest = "d";
    const auto both = [&](std::string_view line) -> Result<UpdateRecord> {
        return line == "begin" ? begun : record("1-1", UpdateStatus::Failed);
    };
    write(path, "begin\nend\n");
    const auto all = read_history(path, both).value().records;
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].status, UpdateStatus::Failed);
    EXPECT_EQ(all[0].began_at, 7);
    EXPECT_EQ(all[0].from_version, "v");
    EXPECT_EQ(all[0].from_pid, 9);
    EXPECT_EQ(all[0].key, "k");
}

} // namespace
} // namespace segue::report
