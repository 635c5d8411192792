// SPDX-License-Identifier: Apache-2.0
// exec_fds.hpp - the descriptors that go through execve with this process, by name, and the service
// "segue.process" over them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <segue/abi/process.h>
#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::update {

// Before the execve: borrowed descriptors. After it: owned ones. [update, main]
class ExecFds {
public:
    ExecFds();
    ExecFds(const ExecFds&) = delete;
    ExecFds& operator=(const ExecFds&) = delete;

    Status put(const std::string& name, int fd);
    Result<UniqueFd> get(const std::string& name);
    std::vector<int> numbers() const; // of all that were put
    void clear() { put_.clear(); }

    // Sections "exec-fd": name and number.
    void write(state::Writer& out) const;
    // Takes the numbers over: CLOEXEC set again; CORRUPT where one is not open.
    Status read(const state::Reader& in);

    const segue_host_process* table() const { return &table_; }

private:
    std::map<std::string, int> put_;
    std::map<std::string, UniqueFd> got_;
    segue_host_process table_;
};

} // namespace segue::update
