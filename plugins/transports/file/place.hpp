// SPDX-License-Identifier: Apache-2.0
// place.hpp - a name in a folder that nobody but root and this user can change.
#pragma once

#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::file_transport {

// Where a file lies or will lie. Everything is done relative to the opened folder. Move-only.
class Place {
public:
    // Refused where somebody else owns the folder or can write it.
    static Result<Place> find(const std::string& path);

    int folder() const { return folder_.get(); }
    const char* name() const { return name_.c_str(); }
    const std::string& path() const { return path_; }
    // What the file is called until it is whole.
    std::string partial() const { return "." + name_ + ".partial"; }

    // Whether a file may be put there: nothing is there yet, or a regular file of ours that nobody
    // has locked.
    Status check_free() const;
    // The bytes that the file system has left for this user.
    Result<std::uint64_t> room() const;
    // The whole file that lies there, to read, to lock and to write in place.
    Result<UniqueFd> open() const;
    // Takes the name away, unless it is another file's than `fd`'s by now.
    void remove(int fd) const;
    // Makes a rename or an unlink durable.
    Status sync() const;

private:
    Place(UniqueFd folder, std::string folder_path, std::string name, std::string path)
        : folder_(std::move(folder))
        , folder_path_(std::move(folder_path))
        , name_(std::move(name))
        , path_(std::move(path)) {}

    UniqueFd folder_;
    std::string folder_path_, name_, path_;
};

} // namespace segue::file_transport
