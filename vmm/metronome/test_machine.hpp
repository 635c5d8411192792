// SPDX-License-Identifier: Apache-2.0
// test_machine.hpp - the least KVM machine that boots the guest; for this folder's tests only.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/base/deadline.hpp"
#include "core/observer/page.h"
#include "vmm/kvm/vcpu.hpp"

namespace segue::vmm {

// In-kernel irqchip and PIT, RAM in a memfd, COM1, debug exit. One thread runs each vCPU.
class TestMachine {
public:
    enum class End { None, PowerOff, Reset, TripleFault, Error };

    TestMachine(unsigned vcpus, std::uint64_t ram_bytes, const std::string& command_line);
    ~TestMachine();
    TestMachine(const TestMachine&) = delete;
    TestMachine& operator=(const TestMachine&) = delete;

    void start();
    // Loads the image again and starts over, RAM as it is: a reset. [after wait_end()]
    void restart();
    void type(char command) { input_ = command; }
    // Runs `f` with the vCPU's descriptor, on its thread, with no exit half done.
    void on_vcpu(unsigned number, const std::function<void(int fd)>& f);
    // What ended the run; None when the deadline passed.
    End wait_end(Deadline deadline) const;
    int exit_code() const { return exit_code_; }
    std::string console() const;
    std::string ram_path() const { return "/proc/self/fd/" + std::to_string(memory_.get()); }
    std::byte* ram() const { return ram_.data(); }
    volatile segue_page* page() const {
        return reinterpret_cast<volatile segue_page*>(ram() + SEGUE_PAGE_GPA);
    }

private:
    struct Runner {
        explicit Runner(Vcpu v)
            : vcpu(std::move(v)) {}
        Vcpu vcpu;
        std::thread thread;
        std::atomic<const std::function<void(int)>*> request = nullptr;
    };

    void add_vcpu(unsigned number);
    void load();
    void set_entry_state();
    void stop();
    void run_loop(Runner& runner);
    void handle_exit(const Vcpu& vcpu);
    void handle_io(std::uint16_t port, bool out, std::uint8_t& value);
    static void kick(Runner& runner);

    Kvm kvm_;
    Vm vm_;
    UniqueFd memory_;
    Mapping ram_;
    std::vector<std::unique_ptr<Runner>> vcpus_;
    std::string command_line_;
    std::uint64_t entry_ = 0;
    std::atomic<End> end_ = End::None;
    std::atomic<bool> stopping_ = false;
    std::atomic<int> exit_code_ = -1;
    std::atomic<char> input_ = 0;
    mutable std::mutex console_mutex_;
    std::string console_;
};

} // namespace segue::vmm
