// SPDX-License-Identifier: Apache-2.0
#include "vmm/doctor/host.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/base/list.hpp"
#include "core/base/units.hpp"
#include "vmm/kvm/capabilities.hpp"
#include "vmm/kvm/cpu_baselines.hpp"
#include "vmm/kvm/cpu_features.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/kvm/kvm.hpp"
#include "vmm/kvm/vm.hpp"
#include "vmm/memory/userfault.hpp"

namespace segue::vmm {

namespace fs = std::filesystem;

namespace {

constexpr rlim_t kDescriptors = 1024; // a guest with its devices, twice over, and connections

std::string first_line(const std::string& path) {
    std::string line;
    std::getline(std::ifstream(path), line);
    return line;
}

// Of a folder that is made when it is needed: in which it would be.
fs::path existing_part(fs::path path) {
    std::error_code error;
    while (!fs::exists(path, error) && path.has_relative_path())
        path = path.parent_path();
    return path;
}

Finding look_at_kvm(const HostFiles& files) {
    const std::string node = files.dev + "/kvm";
    const auto can = [&node]() -> Status {
        SEGUE_ASSIGN(const Kvm kvm, Kvm::open(node));
        SEGUE_ASSIGN(const Vm vm, Vm::create(kvm));
        return check_required(vm);
    };
    if (const Status s = can(); !s)
        return no(node, s.error());
    return yes(node, "a VM can be made, and KVM has what Segue needs");
}

// What guest.cpu may be here: the baselines that it has, and why not the next one.
Finding look_at_baselines(const CpuidEntries& cpu) {
    std::vector<std::string> there;
    for (const std::string_view name : kBaselines) {
        const auto lacking = lacking_of_baseline(name, cpu);
        if (lacking.empty()) {
            there.emplace_back(name);
            continue;
        }
        const std::string why = std::string(name) + " lacks " + list_of(lacking);
        if (there.empty())
            return missing("CPU baselines",
                           Error(Code::Refused, why).way_out("guest.cpu = \"host\""));
        return yes("CPU baselines", list_of(there) + "; " + why);
    }
    return yes("CPU baselines", list_of(there));
}

Finding look_at_nesting(const CpuidEntries& cpu) {
    if (shows_nesting(cpu))
        return yes("guests of guests", "guest.nested = true can be had, and moved");
    return missing(
        "guests of guests",
        Error(Code::Refused, "KVM gives a guest no VMX or SVM, or cannot carry its state")
            .way_out("load kvm_intel or kvm_amd with nested=1"));
}

// Nothing where there is no KVM, which look_at_kvm() has said.
Findings look_at_cpu(const HostFiles& files) {
    const auto look = [&files]() -> Result<CpuidEntries> {
        SEGUE_ASSIGN(const Kvm kvm, Kvm::open(files.dev + "/kvm"));
        SEGUE_ASSIGN(const Vm vm, Vm::create(kvm));
        return host_cpuid(kvm, vm, true);
    };
    const auto cpu = look();
    if (!cpu)
        return {};
    return {look_at_baselines(*cpu), look_at_nesting(*cpu)};
}

// Sockets and the ownership record must be gone after a boot, and must never wait for a disk.
Finding look_at_run_dir(const Places& places) {
    const std::string subject = "run directory";
    const fs::path there = existing_part(places.run_dir);
    struct statfs s = {};
    if (::statfs(there.c_str(), &s) != 0)
        return no(subject, Error::from_errno(errno, "look at " + there.string()));
    if (s.f_type != TMPFS_MAGIC && s.f_type != RAMFS_MAGIC)
        return no(subject, Error(Code::Refused, places.run_dir + " does not lie on tmpfs")
                               .way_out("mount -t tmpfs -o mode=0700 tmpfs " + places.run_dir +
                                        ", or --run-dir /dev/shm/segue"));
    if (::access(there.c_str(), W_OK | X_OK) != 0)
        return no(subject, Error::from_errno(errno, "write to " + there.string())
                               .way_out("--run-dir names another"));
    return yes(subject, places.run_dir + ", on tmpfs");
}

Finding look_at_state_dir(const Places& places) {
    const fs::path there = existing_part(places.state_dir);
    if (::access(there.c_str(), W_OK | X_OK) != 0)
        return no("state directory", Error::from_errno(errno, "write to " + there.string())
                                         .way_out("--state-dir names another"));
    return yes("state directory", places.state_dir);
}

Finding look_at_descriptors() {
    rlimit limit = {};
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
    const std::string text = std::to_string(limit.rlim_cur) + " a process";
    if (limit.rlim_cur >= kDescriptors)
        return yes("descriptors", text);
    return no("descriptors",
              Error(Code::Refused, text + ", " + std::to_string(kDescriptors) + " are needed")
                  .way_out("ulimit -n 4096, or LimitNOFILE= of the service"));
}

Finding look_at_memlock() {
    rlimit limit = {};
    (void)::getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur == RLIM_INFINITY || ::geteuid() == 0)
        return yes("locked memory", "no limit");
    return missing("locked memory",
                   Error(Code::Refused, format_size(limit.rlim_cur) +
                                            " at most: less than a guest with VFIO devices pins")
                       .way_out("ulimit -l unlimited, or LimitMEMLOCK=infinity of the service"));
}

// Of the kernel's own accesses, KVM's among them: postcopy needs that.
Finding look_at_userfaultfd() {
    const inventory::Inventory none;
    const Status s = Userfault(none).check();
    return s ? yes("userfaultfd", "for the kernel's accesses, too")
             : missing("userfaultfd", s.error());
}

Findings look_at_huge_pages(const HostFiles& files) {
    Findings all;
    std::error_code error;
    const fs::path pools = files.sys + "/kernel/mm/hugepages";
    for (const auto& pool : fs::directory_iterator(pools, error)) {
        const std::string name = pool.path().filename(); // hugepages-2048kB
        const std::string size = name.substr(name.find('-') + 1);
        const std::string total = first_line(pool.path() / "nr_hugepages");
        const std::string free = first_line(pool.path() / "free_hugepages");
        const std::string subject = "huge pages " + size;
        if (total == "0" || total.empty())
            all.push_back(missing(subject, Error(Code::Refused, "the pool is empty")
                                               .way_out("echo N > " +
                                                        (pool.path() / "nr_hugepages").string() +
                                                        ", soon after boot")));
        else
            all.push_back(yes(subject, std::string(free).append(" free of ").append(total)));
    }
    if (all.empty())
        all.push_back(missing("huge pages", Error(Code::Refused, "the kernel has none")
                                                .way_out("a kernel with CONFIG_HUGETLBFS=y")));
    return all;
}

Finding look_at_shmem(const HostFiles& files) {
    const std::string path = files.sys + "/kernel/mm/transparent_hugepage/shmem_enabled";
    const std::string line = first_line(path);
    const auto open = line.find('['), close = line.find(']');
    const std::string now =
        open == line.npos || close == line.npos ? "" : line.substr(open + 1, close - open - 1);
    if (now == "always" || now == "within_size" || now == "advise" || now == "force")
        return yes("huge pages of shmem", now);
    return missing("huge pages of shmem",
                   Error(Code::Refused, "RAM of memfd and of files on tmpfs is in 4 KiB pages")
                       .way_out("echo advise > " + path));
}

// A node that a module brings, and what goes without it.
Finding look_at_node(const std::string& node, const std::string& module, const std::string& gift,
                     const std::string& lack) {
    if (::access(node.c_str(), R_OK | W_OK) == 0)
        return yes(node, gift);
    return missing(node,
                   Error(Code::Refused, lack).way_out("modprobe " + module + ", or access to it"));
}

Findings look_at_network(const HostFiles& files) {
    return {look_at_node(files.dev + "/net/tun", "tun", "network cards can open taps",
                         "a network card needs a tap that is handed in (fd = N)"),
            look_at_node(files.dev + "/vhost-net", "vhost_net",
                         "the kernel can carry the frames of network cards",
                         "threads of the VMM carry the frames of network cards")};
}

Finding look_at_memory(const HostFiles& files) {
    std::ifstream file(files.proc + "/meminfo");
    for (std::string line; std::getline(file, line);)
        if (line.rfind("MemAvailable:", 0) == 0)
            return yes("memory",
                       std::to_string(std::strtoull(line.c_str() + 13, nullptr, 10) >> 10) +
                           "M available");
    return missing("memory", Error(Code::Refused, files.proc + "/meminfo does not say how much"));
}

} // namespace

Findings look_at_host(const Places& places, const HostFiles& files) {
    Findings all = {look_at_kvm(files),    look_at_run_dir(places), look_at_state_dir(places),
                    look_at_descriptors(), look_at_memlock(),       look_at_memory(files),
                    look_at_shmem(files),  look_at_userfaultfd()};
    for (const auto& look : {look_at_cpu, look_at_huge_pages, look_at_network})
        for (Finding& f : look(files))
            all.push_back(std::move(f));
    return all;
}

} // namespace segue::vmm
