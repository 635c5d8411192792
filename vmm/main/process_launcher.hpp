// SPDX-License-Identifier: Apache-2.0
// process_launcher.hpp - starts new generations of this VMM.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/ports/launcher.hpp"

namespace segue::vmm {

// The child gets our command line with its own --config, stdin from /dev/null, and our stdout and
// stderr: the log goes on in the same file.
class ProcessLauncher final : public ports::Launcher {
public:
    // `common`: the options that go on to every successor. `slow`: the descriptors whose end an
    // execve is not to wait for.
    ProcessLauncher(std::vector<std::string> common, std::string log_path,
                    std::function<std::vector<int>()> slow)
        : common_(std::move(common))
        , log_path_(std::move(log_path))
        , slow_(std::move(slow)) {}

    Result<Child> start(const ports::SuccessorSpec& spec, int stream) override;
    std::string last_words(const Child& child) override;
    Result<ports::Program> open(const ports::SuccessorSpec& spec) override;
    void make_ready(ports::Program& program) noexcept override;
    Result<Child> probe(const ports::SuccessorSpec& spec, const ports::Program& program,
                        int stream) override;
    Error exec(const ports::SuccessorSpec& spec, const ports::Program& program, int handoff,
               const std::vector<int>& keep) override;

private:
    std::vector<std::string> command(const std::string& binary,
                                     const ports::SuccessorSpec& spec) const;
    std::vector<std::string> exec_command(const std::string& binary,
                                          const ports::SuccessorSpec& spec) const;
    void mark_log();
    std::vector<std::string> common_;
    std::string log_path_;
    std::function<std::vector<int>()> slow_;
    std::uint64_t log_size_ = 0; // when the child was started
};

} // namespace segue::vmm
