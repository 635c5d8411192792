// SPDX-License-Identifier: Apache-2.0
// memory.hpp - a memory plugin in C++: derive from Memory, then SEGUE_EXPORT_MEMORY(YourMemory,
// info). <segue/abi/memory.h> says what each function must do.
#pragma once

#include <sys/mman.h>

#include <memory>
#include <string>

#include <segue/abi/memory.h>
#include <segue/cpp/plugin.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue {

// One range of guest RAM, as a plugin gives it.
struct Block {
    UniqueFd fd;
    std::uint64_t bytes = 0;
    std::uint64_t offset = 0; // of the RAM in fd
    std::uint32_t page_shift = 12;
    std::uint32_t map_flags = MAP_SHARED;
    std::uint64_t stamp = SEGUE_NO_STAMP;
    std::uint64_t survives = 0; // SEGUE_SURVIVES_*
};

// A derived class has `static Result<std::unique_ptr<T>> create(const Config&, const Host&)`.
// [main]
class Memory {
public:
    virtual ~Memory() = default;
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    virtual Status check(std::uint64_t /*bytes*/) { return {}; }
    virtual Result<Block> make(const std::string& name, std::uint64_t bytes) = 0;
    // Only of memory that survives a RESTART.
    virtual Result<Block> reopen(const std::string& /*name*/, std::uint64_t /*bytes*/) {
        return Error(Code::Unsupported, "this memory does not survive a restart");
    }
    // Checks `fd`, which is borrowed; the block's own fd stays empty, for the caller of this moves
    // `fd` there.
    virtual Result<Block> adopt(const std::string& name, int fd, std::uint64_t offset,
                                std::uint64_t bytes) = 0;
    virtual void drop(const std::string& /*name*/) {}

protected:
    Memory() = default;
};

namespace detail {

struct MemoryTable {
    static Memory& self(void* p) { return *static_cast<Memory*>(p); }

    static void fill(segue_block* to, Block from) {
        to->page_shift = from.page_shift;
        to->map_flags = from.map_flags;
        to->offset = from.offset;
        to->bytes = from.bytes;
        to->stamp = from.stamp;
        to->survives = from.survives;
        to->fd = from.fd.release();
    }

    template <class T>
    static segue_status create(const segue_config* c, const segue_host* h, void** out,
                               segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(std::unique_ptr<Memory> m, T::create(Config(c, h), Host(h)));
            *out = m.release();
            return {};
        });
    }
    static void destroy(void* p) noexcept {
        guarded_void([&] { delete &self(p); });
    }
    static segue_status check(void* p, std::uint64_t bytes, segue_error* e) noexcept {
        return guarded(e, [&] { return self(p).check(bytes); });
    }
    static segue_status make_block(void* p, const char* name, std::uint64_t bytes, segue_block* b,
                                   segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(Block block, self(p).make(name, bytes));
            fill(b, std::move(block));
            return {};
        });
    }
    static segue_status reopen(void* p, const char* name, std::uint64_t bytes, segue_block* b,
                               segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(Block block, self(p).reopen(name, bytes));
            fill(b, std::move(block));
            return {};
        });
    }
    static segue_status adopt(void* p, const char* name, std::int32_t fd, std::uint64_t offset,
                              std::uint64_t bytes, segue_block* b, segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(Block block, self(p).adopt(name, fd, offset, bytes));
            block.fd.reset(fd);
            fill(b, std::move(block));
            return {};
        });
    }
    static void drop(void* p, const char* name) noexcept {
        guarded_void([&] { self(p).drop(name); });
    }

    template <class T>
    static constexpr segue_memory make(std::uint64_t caps) {
        const bool lasts = (caps & SEGUE_SURVIVES_RESTART) != 0;
        return {caps, create<T>, destroy, check, make_block, lasts ? reopen : nullptr, adopt, drop};
    }
};

} // namespace detail
} // namespace segue

#define SEGUE_EXPORT_MEMORY(Class, info)                                                           \
    SEGUE_EXPORT(SEGUE_MEMORY_ID, segue::detail::MemoryTable::make<Class>((info).caps), info,      \
                 (info).caps, segue::memory_caps)
