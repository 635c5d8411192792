// SPDX-License-Identifier: Apache-2.0
#include "vmm/metronome/test_machine.hpp"

#include <elf.h>
#include <pthread.h>

#include <chrono>
#include <csignal>
#include <cstring>

#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {
namespace {

constexpr std::uint64_t start_info_at = 0x6000;
constexpr std::uint64_t memory_map_at = 0x7000;
constexpr std::uint64_t command_line_at = 0x20000;

// A test cannot go on without what it asked for: fails it and ends the program.
template <class T>
T must(Result<T> r) {
    if (!r.ok()) {
        std::fprintf(stderr, "test machine: %s\n", r.error().what().c_str());
        std::abort();
    }
    return std::move(r).value();
}

void must(Status s) {
    if (!s.ok())
        must(Result<int>(s.error()));
}

template <class Arg>
void call(int fd, unsigned long request, Arg* arg, const char* what) {
    must(sys::ioctl(fd, request, arg, what));
}

} // namespace

TestMachine::TestMachine(unsigned vcpus, std::uint64_t ram_bytes, const std::string& command_line)
    : kvm_(must(Kvm::open()))
    , vm_(must(Vm::create(kvm_)))
    , memory_(must(sys::memfd("metronome-ram", 0)))
    , command_line_(command_line) {
    std::signal(SIGUSR1, [](int) {});
    must(vm_.set_tss_addr(0xfffbd000));
    must(vm_.create_irqchip());
    must(vm_.create_pit());
    must(sys::truncate(memory_.get(), ram_bytes));
    ram_ =
        must(Mapping::make(ram_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), 0, "RAM"));
    must(vm_.set_memory({.bytes = ram_bytes, .host = ram_.data()}));
    for (unsigned i = 0; i < vcpus; i++)
        add_vcpu(i);
    load();
    set_entry_state();
}

TestMachine::~TestMachine() {
    stop();
}

void TestMachine::add_vcpu(unsigned number) {
    CpuidEntries entries = must(kvm_.supported_cpuid());
    for (kvm_cpuid_entry2& e : entries) {
        if (e.function == 1)
            e.ebx = (e.ebx & 0xffffff) | number << 24;
        if (e.function == 0xb || e.function == 0x1f)
            e.edx = number;
    }
    vcpus_.push_back(std::make_unique<Runner>(must(Vcpu::create(kvm_, vm_, number))));
    must(vcpus_.back()->vcpu.set_cpuid(entries));
}

void TestMachine::load() {
    const UniqueFd file = must(sys::open(METRONOME_ELF, O_RDONLY));
    const auto size = static_cast<std::size_t>(must(sys::stat(file.get())).st_size);
    const Mapping image =
        must(Mapping::make(size, PROT_READ, MAP_PRIVATE, file.get(), 0, METRONOME_ELF));
    const auto* elf = reinterpret_cast<const Elf64_Ehdr*>(image.data());
    const auto* segments = reinterpret_cast<const Elf64_Phdr*>(image.data() + elf->e_phoff);
    for (unsigned i = 0; i < elf->e_phnum; i++) {
        const Elf64_Phdr& p = segments[i];
        if (p.p_type == PT_LOAD) {
            std::memset(ram() + p.p_paddr, 0, p.p_memsz);
            std::memcpy(ram() + p.p_paddr, image.data() + p.p_offset, p.p_filesz);
        }
        if (p.p_type == PT_NOTE) { // one note: "Xen", type 18, a physical address
            const auto* note = reinterpret_cast<const Elf64_Nhdr*>(image.data() + p.p_offset);
            EXPECT_EQ(note->n_type, 18u);
            std::memcpy(&entry_, image.data() + p.p_offset + sizeof *note + 4, sizeof entry_);
        }
    }
    const std::uint64_t map[] = {0, ram_.size(), 1};
    std::memcpy(ram() + memory_map_at, map, sizeof map);
    std::memcpy(ram() + command_line_at, command_line_.c_str(), command_line_.size() + 1);
    const std::uint64_t info[] = {0x1'336ec578, 0, 0, command_line_at, 0, memory_map_at, 1};
    std::memcpy(ram() + start_info_at, info, sizeof info);
}

void TestMachine::set_entry_state() {
    const int fd = vcpus_[0]->vcpu.fd();
    kvm_sregs sregs = {};
    call(fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
    kvm_segment flat = {};
    flat.limit = 0xffffffff;
    flat.present = flat.s = flat.db = flat.g = 1;
    flat.type = 3;
    flat.selector = 0x10;
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat;
    flat.type = 11;
    flat.selector = 8;
    sregs.cs = flat;
    sregs.cr0 = 0x11;
    sregs.cr3 = sregs.cr4 = sregs.efer = 0;
    call(fd, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
    kvm_regs regs = {};
    regs.rip = entry_;
    regs.rbx = start_info_at;
    regs.rflags = 2;
    call(fd, KVM_SET_REGS, &regs, "KVM_SET_REGS");
    kvm_mp_state state = {};
    call(fd, KVM_SET_MP_STATE, &state, "KVM_SET_MP_STATE");
}

void TestMachine::start() {
    end_ = End::None;
    stopping_ = false;
    for (auto& v : vcpus_)
        v->thread = std::thread([this, &v] { run_loop(*v); });
}

void TestMachine::restart() {
    stop();
    for (unsigned i = 1; i < vcpus_.size(); i++) {
        kvm_mp_state state = {KVM_MP_STATE_UNINITIALIZED};
        call(vcpus_[i]->vcpu.fd(), KVM_SET_MP_STATE, &state, "KVM_SET_MP_STATE");
    }
    load();
    set_entry_state();
    start();
}

void TestMachine::stop() {
    stopping_ = true;
    for (auto& v : vcpus_)
        if (v->thread.joinable()) {
            kick(*v);
            v->thread.join();
        }
}

void TestMachine::kick(Runner& runner) {
    runner.vcpu.exit_now();
    ::pthread_kill(runner.thread.native_handle(), SIGUSR1);
}

void TestMachine::on_vcpu(unsigned number, const std::function<void(int)>& f) {
    Runner& r = *vcpus_[number];
    r.request = &f;
    kick(r);
    r.request.wait(&f);
}

void TestMachine::run_loop(Runner& runner) {
    for (;;) {
        const Ran ran = must(runner.vcpu.run());
        if (ran == Ran::Exit) {
            handle_exit(runner.vcpu);
            continue;
        }
        runner.vcpu.allow_run();
        if (const auto* f = runner.request.load(); f != nullptr) {
            (*f)(runner.vcpu.fd());
            runner.request = nullptr;
            runner.request.notify_one();
        }
        if (stopping_ || end_ != End::None)
            return;
    }
}

void TestMachine::handle_exit(const Vcpu& vcpu) {
    kvm_run& run = vcpu.shared();
    if (run.exit_reason == KVM_EXIT_IO) {
        auto* data = reinterpret_cast<std::uint8_t*>(&run) + run.io.data_offset;
        for (unsigned i = 0; i < run.io.count; i++, data += run.io.size)
            handle_io(run.io.port, run.io.direction == KVM_EXIT_IO_OUT, *data);
    } else if (run.exit_reason == KVM_EXIT_SHUTDOWN) {
        end_ = End::TripleFault;
    } else if (run.exit_reason != KVM_EXIT_INTR && run.exit_reason != KVM_EXIT_MMIO) {
        ADD_FAILURE() << "exit " << run.exit_reason << " suberror " << run.internal.suberror;
        end_ = End::Error;
    }
    if (end_ != End::None)
        vcpu.exit_now();
}

void TestMachine::handle_io(std::uint16_t port, bool out, std::uint8_t& value) {
    if (port == 0x3fd && !out)
        value = static_cast<std::uint8_t>(0x60 | (input_ != 0 ? 1 : 0));
    else if (port == 0x3f8 && !out)
        value = static_cast<std::uint8_t>(input_.exchange(0));
    else if (port == 0x3f8) {
        const std::lock_guard lock(console_mutex_);
        console_ += static_cast<char>(value);
    } else if (port == 0xf4 && out) {
        exit_code_ = value;
        end_ = End::PowerOff;
    } else if (port == 0x64 && out && value == 0xfe)
        end_ = End::Reset;
    else if (!out)
        value = 0xff;
}

TestMachine::End TestMachine::wait_end(Deadline deadline) const {
    while (end_ == End::None && !deadline.passed())
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return end_;
}

std::string TestMachine::console() const {
    const std::lock_guard lock(console_mutex_);
    return console_;
}

} // namespace segue::vmm
