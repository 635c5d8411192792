// SPDX-License-Identifier: Apache-2.0
#include "pipe_end.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cstring>

#include <segue/cpp/pipe.hpp>
#include <segue/cpp/sys.hpp>

#include "plugins/transports/common/printable.hpp"

namespace segue::exec_transport {

namespace {

constexpr std::size_t kSaid = 1024;   // of the error output, for the log
constexpr std::size_t kInError = 180; // for the error, which is as long as a segue_error
constexpr std::size_t kCommand = 60;
constexpr int kPipe = 1 << 20; // bytes; 64 KiB where the user may have no more

std::string shortened(const std::string& text, std::size_t max) {
    return text.size() <= max ? text : text.substr(0, max - 3) + "...";
}

std::string tail(const std::string& text, std::size_t max) {
    std::string end = text.size() <= max ? text : "..." + text.substr(text.size() - max + 3);
    std::replace(end.begin(), end.end(), '\n', ';');
    end = printable(std::move(end), max);
    while (!end.empty() && (end.back() == ';' || end.back() == ' '))
        end.pop_back();
    return end;
}

std::string to_string(const Command::End& end) {
    if (end.signal == 0)
        return "exited with " + std::to_string(end.code);
    const char* name = ::sigabbrev_np(end.signal);
    return "was killed by " +
           (name != nullptr ? std::string("SIG") + name : std::to_string(end.signal));
}

Error one_way() {
    return {Code::Unsupported, "the command's pipe goes the other way"};
}

} // namespace

Result<std::unique_ptr<PipeEnd>> PipeEnd::start(const Host& host, const std::string& text,
                                                Way way) {
    const bool to = way == Way::ToCommand;
    SEGUE_ASSIGN(auto data, sys::pipe());
    SEGUE_ASSIGN(auto errors, sys::pipe());
    SEGUE_ASSIGN(Command command, Command::start(host, text, to ? data.first.get() : -1,
                                                 to ? -1 : data.second.get(), errors.second.get()));
    std::unique_ptr<PipeEnd> end(new PipeEnd(host, text, std::move(command)));
    end->data_ = std::move(to ? data.second : data.first);
    if (to)
        end->unread_ = std::move(data.first);
    end->errors_ = std::move(errors.first);
    (void)::fcntl(end->data_.get(), F_SETPIPE_SZ, kPipe);
    SEGUE_TRY(sys::set_nonblocking(end->data_.get()));
    SEGUE_TRY(sys::set_nonblocking(end->errors_.get()));
    end->any_.reset(::epoll_create1(EPOLL_CLOEXEC));
    SEGUE_TRY(end->watch(end->data_.get(), to ? EPOLLOUT : EPOLLIN));
    SEGUE_TRY(end->watch(end->errors_.get(), EPOLLIN));
    SEGUE_TRY(end->watch(end->command_.pidfd(), EPOLLIN));
    return end;
}

Status PipeEnd::watch(int fd, std::uint32_t events) {
    epoll_event e = {};
    e.events = events;
    if (::epoll_ctl(any_.get(), EPOLL_CTL_ADD, fd, &e) != 0)
        return Error::from_errno(errno, "epoll_ctl");
    return {};
}

void PipeEnd::listen_to_errors() {
    char room[4096];
    while (errors_) {
        const auto n = sys::retry([&] { return ::read(errors_.get(), room, sizeof room); });
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            errors_.reset(); // and out of the epoll: it would be ready for ever
            return;
        }
        said_.append(room, static_cast<std::size_t>(n));
        if (said_.size() > kSaid)
            said_.erase(0, said_.size() - kSaid);
    }
}

// Whether the shell has ended; what is left of its group does not count.
bool PipeEnd::over() {
    listen_to_errors();
    pollfd p = {command_.pidfd(), POLLIN, 0};
    return verdict_ || sys::retry([&] { return ::poll(&p, 1, 0); }) == 1;
}

// How it ended, once over(); the same for ever.
Status PipeEnd::verdict() {
    if (verdict_)
        return *verdict_;
    int unread = 0;
    if (unread_)
        (void)::ioctl(unread_.get(), FIONREAD, &unread);
    const auto ended = command_.end();
    listen_to_errors();
    if (!ended)
        verdict_ = ended.error();
    else if (ended->code != 0 || ended->signal != 0)
        verdict_ = failed(to_string(*ended));
    else if (unread != 0)
        verdict_ = failed("ended and left " + std::to_string(unread) + " bytes unread");
    else
        verdict_.emplace();
    return *verdict_;
}

Error PipeEnd::failed(const std::string& why) {
    const std::string what = "the command '" + shortened(text_, kCommand) + "' " + why;
    if (!said_.empty())
        host_.log(SEGUE_LOG_WARN, what + ", and said: " + tail(said_, kSaid));
    const std::string last = tail(said_, kInError);
    return Error(Code::Io, what + (last.empty() ? "" : ": " + last))
        .way_out("try the channel's 'out' and 'in' by hand, one after the other");
}

Result<std::uint64_t> PipeEnd::read(ConstIov to, std::vector<UniqueFd>&, std::uint32_t) {
    if (unread_)
        return one_way();
    const bool ended = over(); // before the read: what it printed last is there by now
    const auto n = sys::retry([&] { return ::read(data_.get(), to[0].base, to[0].len); });
    if (n > 0)
        return static_cast<std::uint64_t>(n);
    if (n < 0 && errno != EAGAIN)
        return Error::from_errno(errno, "read from a command");
    if (!ended) {
        if (n == 0) // the end is near: poll for that alone
            (void)::epoll_ctl(any_.get(), EPOLL_CTL_DEL, data_.get(), nullptr);
        return Error(Code::Again, "the command has printed nothing yet");
    }
    SEGUE_TRY(verdict());
    return Error(Code::Closed, "that is all that '" + shortened(text_, kCommand) + "' printed");
}

Result<std::uint64_t> PipeEnd::write(ConstIov from, std::span<const int>) {
    if (!data_)
        return Error(Code::Phase, "the command has its end of file already");
    if (!unread_)
        return one_way();
    if (over()) {
        SEGUE_TRY(verdict());
        return failed("ended before it was given everything");
    }
    const auto n = sys::retry([&] { return ::write(data_.get(), from[0].base, from[0].len); });
    if (n >= 0)
        return static_cast<std::uint64_t>(n);
    if (errno == EAGAIN)
        return Error(Code::Again, "the command's pipe is full");
    return Error::from_errno(errno, "write to a command");
}

Status PipeEnd::finish(std::uint32_t how) {
    if (how == SEGUE_FINISH_ABORT) {
        if (!verdict_)
            verdict_ = Error(Code::Phase, "the command was killed");
        (void)command_.end();
        return {};
    }
    if (unread_)
        data_.reset(); // its end of file
    if (how == SEGUE_FINISH_END || !unread_)
        return {};
    if (!over())
        return Error(Code::Again, "the command has not ended yet");
    return verdict();
}

} // namespace segue::exec_transport
