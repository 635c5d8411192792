// SPDX-License-Identifier: Apache-2.0
// What the doctor says of hosts and guests that lack something.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"
#include "vmm/doctor/host.hpp"
#include "vmm/kvm/cpu_baselines.hpp"
#include "vmm/kvm/cpuid.hpp"

namespace segue::vmm {
namespace {

namespace fs = std::filesystem;

// A host in a folder.
class Doctor : public testing::Test {
protected:
    void put(const std::string& path, const std::string& text) const {
        fs::create_directories(fs::path(dir_.path().string() + path).parent_path());
        std::ofstream(dir_.path().string() + path) << text << "\n";
    }
    Finding find(const std::string& subject) const {
        const HostFiles files{dir_.path().string() + "/dev", dir_.path().string() + "/sys",
                              dir_.path().string() + "/proc"};
        for (const Finding& f :
             look_at_host({dir_.path().string() + "/run", dir_.path().string() + "/state"}, files))
            if (f.subject == subject)
                return f;
        return {Finding::Verdict::No, "nothing on " + subject, "", ""};
    }
    test::TempDir dir_;
};

TEST_F(Doctor, WithoutKvmEverythingElseIsStillLookedAt) {
    const Finding kvm = find(dir_.path().string() + "/dev/kvm");
    EXPECT_EQ(kvm.verdict, Finding::Verdict::No);
    EXPECT_FALSE(kvm.way_out.empty());
    EXPECT_EQ(find("CPU baselines").text, "");
    EXPECT_EQ(find("state directory").verdict, Finding::Verdict::Yes);
}

TEST_F(Doctor, AnEmptyPoolOfHugePagesNamesTheFileToFillItBy) {
    const std::string pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
    put(pool + "nr_hugepages", "0");
    put(pool + "free_hugepages", "0");
    EXPECT_EQ(find("huge pages 2048kB").verdict, Finding::Verdict::Missing);
    EXPECT_NE(find("huge pages 2048kB").way_out.find("hugepages-2048kB/nr_hugepages"),
              std::string::npos);
    put(pool + "nr_hugepages", "12");
    put(pool + "free_hugepages", "7");
    EXPECT_EQ(find("huge pages 2048kB").verdict, Finding::Verdict::Yes);
    EXPECT_EQ(find("huge pages 2048kB").text, "7 free of 12");
}

TEST_F(Doctor, HugePagesOfShmemAreWhatTheKernelHasChosen) {
    const std::string file = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
    put(file, "always within_size advise [never] deny force");
    EXPECT_EQ(find("huge pages of shmem").verdict, Finding::Verdict::Missing);
    EXPECT_NE(find("huge pages of shmem").way_out.find("echo advise > "), std::string::npos);
    put(file, "always within_size [advise] never deny force");
    EXPECT_EQ(find("huge pages of shmem").verdict, Finding::Verdict::Yes);
}

TEST_F(Doctor, ANodeThatIsMissingNamesTheModule) {
    const std::string node = dir_.path().string() + "/dev/vhost-net";
    EXPECT_EQ(find(node).verdict, Finding::Verdict::Missing);
    EXPECT_NE(find(node).way_out.find("modprobe vhost_net"), std::string::npos);
    put("/dev/vhost-net", "");
    EXPECT_EQ(find(node).verdict, Finding::Verdict::Yes);
}

TEST_F(Doctor, MemoryIsWhatIsAvailable) {
    put("/proc/meminfo", "MemTotal: 1 kB\nMemAvailable:    2048 kB");
    EXPECT_EQ(find("memory").verdict, Finding::Verdict::Yes);
    EXPECT_NE(find("memory").text.find("2M available"), std::string::npos) << find("memory").text;
}

TEST_F(Doctor, TheBaselinesAreThoseThatThisHostCanShow) {
    const Kvm kvm = Kvm::open().value();
    const Vm vm = Vm::create(kvm).value();
    const CpuidEntries cpu = host_cpuid(kvm, vm, true).value();
    const std::string best(best_baseline(cpu));
    unsigned found = 0;
    for (const Finding& f : look_at_host({dir_.path().string() + "/run", dir_.path().string()})) {
        if (f.subject == "CPU baselines") {
            ++found;
            EXPECT_NE(f.text.substr(0, f.text.find(';')).find(best), std::string::npos) << f.text;
            EXPECT_EQ(f.text.find(" lacks ") == std::string::npos, best == kBaselines[3]) << f.text;
        }
        if (f.subject == "guests of guests") {
            ++found;
            EXPECT_EQ(f.verdict == Finding::Verdict::Yes, shows_nesting(cpu));
        }
    }
    EXPECT_EQ(found, 2u);
}

TEST_F(Doctor, ARunDirectoryOnDiskIsRefusedWithACommand) {
    for (const Finding& f : look_at_host({"/usr/segue-run", dir_.path().string() + "/state"}))
        if (f.subject == "run directory") {
            EXPECT_EQ(f.verdict, Finding::Verdict::No);
            EXPECT_NE(f.way_out.find("mount -t tmpfs"), std::string::npos) << f.way_out;
        }
}

TEST(Findings, AreLinesWithTheirWayOutUnderThem) {
    const Findings all = {yes("a", "fine"),
                          no("b", Error(Code::Refused, "bad\x1b").way_out("mend")),
                          missing("c", Error(Code::Refused, "gone"))};
    EXPECT_EQ(to_text(all), "  yes   a                     fine\n"
                            "  no    b                     bad \n"
                            "          try: mend\n"
                            "  lacks c                     gone\n");
    EXPECT_TRUE(any_no(all));
    EXPECT_FALSE(any_no({all[0], all[2]}));
}

} // namespace
} // namespace segue::vmm
