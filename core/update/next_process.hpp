// SPDX-License-Identifier: Apache-2.0
// next_process.hpp - the process of the next generation, as the outgoing side sees it: started here
// or already waiting, told of the guest, ended when the update fails.
#pragma once

#include <optional>

#include "core/update/attempt.hpp"
#include "core/update/stream.hpp"

namespace segue::update {

// Used once. [update]
class NextProcess {
public:
    explicit NextProcess(Attempt& attempt)
        : a_(attempt) {}
    NextProcess(const NextProcess&) = delete;
    NextProcess& operator=(const NextProcess&) = delete;
    ~NextProcess(); // reaps what was killed

    // A standby that somebody started listens at the known path; else one is started.
    Status reach();
    Status start();
    // HELLO with the record; WELCOME.
    Status greet();
    // Once it owns the guest, or will: it lives on, and is nobody to wait for.
    void let_go() { ours_ = false; }

    // As Successor's.
    bool abandon() noexcept;
    void explain(Error& why);

    const Stream& stream() const { return stream_; }

private:
    Status attach(UniqueFd connected);
    void watch(UniqueFd connected);
    Error its_end(const std::string& who);

    Attempt& a_;
    Child child_;
    Stream stream_;
    bool ours_ = false; // started here, so reaped here
    bool killed_ = false, reaped_ = false;
    std::optional<Error> refusal_;
};

} // namespace segue::update
