// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/usable.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace segue::vmm {

namespace {

Error unusable(const std::string& node, const char* cause, const std::string& why,
               const std::string& way_out) {
    return Error(Code::Unsupported, "open " + node + ": " + why)
        .way_out(way_out)
        .with("cause", cause);
}

bool has_word(const std::string& line, const std::string& word) {
    return (line + ' ').find(' ' + word + ' ') != std::string::npos;
}

Error no_extensions(const std::string& node, const KvmFacts& facts) {
    const std::string name = facts.intel ? "VT-x" : "SVM";
    if (facts.inside_vm)
        return unusable(node, "nesting-off",
                        "this machine is itself a virtual machine and its host does not pass " +
                            name + " on",
                        std::string("on the host load ") + (facts.intel ? "kvm_intel" : "kvm_amd") +
                            " with nested=1 and give this machine the CPU model 'host'");
    return unusable(node, "no-virtualization",
                    "the CPU has no " + name + ", or the firmware has switched it off",
                    "switch on " + name + " in the firmware setup");
}

} // namespace

KvmFacts kvm_facts(int open_errno) {
    KvmFacts facts;
    facts.open_errno = open_errno;
    std::error_code ignored;
    for (const char* module : {"kvm_intel", "kvm_amd", "kvm_pvm"})
        facts.module_loaded |=
            std::filesystem::exists(std::string("/sys/module/") + module, ignored);
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("vendor_id", 0) == 0)
            facts.intel = line.find("GenuineIntel") != std::string::npos;
        if (line.rfind("flags", 0) != 0)
            continue;
        facts.virtualization = has_word(line, "vmx") || has_word(line, "svm");
        facts.inside_vm = has_word(line, "hypervisor");
        break;
    }
    return facts;
}

Error kvm_unusable(const std::string& node, const KvmFacts& facts) {
    switch (facts.open_errno) {
    case EACCES:
    case EPERM:
        return unusable(node, "no-permission", "this user may not open it",
                        "join its group and log in again: usermod -aG kvm USER; in a container "
                        "pass the device with write access");
    case ENOENT:
        if (facts.module_loaded)
            return unusable(node, "node-missing", "KVM is loaded but the device node is missing",
                            "mknod " + node +
                                " c 10 232; in a container pass the device: --device /dev/kvm");
        [[fallthrough]];
    case ENODEV: // a static node whose module could not be loaded
    case ENXIO:
        if (!facts.virtualization)
            return no_extensions(node, facts);
        return unusable(node, "module-not-loaded", "the KVM module is not loaded",
                        std::string("modprobe ") + (facts.intel ? "kvm_intel" : "kvm_amd"));
    default:
        return Error::from_errno(facts.open_errno, "open " + node)
            .way_out("check that " + node + " is the KVM device, character 10:232")
            .with("cause", "other");
    }
}

} // namespace segue::vmm
