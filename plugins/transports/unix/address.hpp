// SPDX-License-Identifier: Apache-2.0
// address.hpp - a socket file that has one owner: taken only where nobody listens, removed at the
// end.
#pragma once

#include <sys/types.h>

#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::unix_transport {

// Whether take(), or take_abstract(), could work; creates nothing.
Status check(const std::string& path, bool abstract);

// A listening socket and its file. Move-only.
class Address {
public:
    // Exists where somebody listens at `path`, or something that is no socket lies there; a stale
    // socket file is replaced. The folder is locked meanwhile, so that of two who find the same
    // stale file only one can take it.
    static Result<Address> take(const std::string& path, int backlog);
    // A name that exists in no folder, of this network namespace: nothing is left of it.
    static Result<Address> take_abstract(const std::string& name, int backlog);
    Address(Address&&) = default;
    Address& operator=(Address&&) = delete;
    ~Address();

    int fd() const { return fd_.get(); }

private:
    Address(UniqueFd fd, std::string path, dev_t device, ino_t inode)
        : fd_(std::move(fd))
        , path_(std::move(path))
        , device_(device)
        , inode_(inode) {}

    UniqueFd fd_;
    std::string path_; // none where abstract
    dev_t device_;     // of the file that take() made: another one is not ours to remove
    ino_t inode_;
};

} // namespace segue::unix_transport
