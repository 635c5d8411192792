// SPDX-License-Identifier: Apache-2.0
// Any packets of a guest to a virtio socket device, between any acts of the host's processes, from
// generation to generation: each side hears what the other has said and nothing else, what is kept
// is bounded, and a buffer is written no further than it says.
#include <linux/virtio_vsock.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <random>

#include <segue/cpp/sys.hpp>

#include "core/base/temp_dir.hpp"
#include "core/base/unix_socket.hpp"
#include "vmm/devices/virtio_vsock/virtio_vsock.hpp"
#include "vmm/virtio/driver_ring.hpp"

namespace {

using namespace segue;
using namespace segue::vmm;
using namespace segue::vmm::virtio;

constexpr std::uint64_t kCid = 42;
constexpr std::uint32_t kHostPort = 77;
constexpr std::uint16_t kSize = 8;
constexpr std::uint64_t kSend = 0x20000, kReceive = 0x40000, kSlot = 0x2000;
constexpr std::uint8_t kOfGuest = 0x5a, kOfHost = 0xa5, kOfNobody = 0xee;
constexpr std::uint32_t kMostPayload = 20'000; // the fourth has no credit
constexpr std::size_t kSteps = 100;

void must(bool so) {
    if (!so)
        std::abort();
}

// Two processes' sockets, for all inputs.
struct Host {
    TempDir dir;
    VsockConfig config = {"vsock0", kCid, dir / "v"};
    inventory::Inventory inventory;
    UniqueFd listener = listen_unix(path_of_port(config, kHostPort), 0600).value();
    Host() { must(open_vsock(config, inventory).ok()); }
    VsockHostEnd end() const { return adopt_vsock(config, inventory).value(); }
    // What the last input has left.
    void hang_up_on_all() const {
        for (const int fd : {listener.get(), inventory.find("vsock.vsock0")})
            while (UniqueFd(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC)))
                continue;
    }
};

// 12 bytes of an input.
struct Step {
    std::uint8_t what, op, ports, flags;
    std::uint16_t len, bytes;
    std::uint32_t extra;
};

class Run {
public:
    Run(const Host& host, TestRam& ram, std::uint8_t features)
        : host_(host)
        , features_{(features & 1) != 0, false, (features & 4) != 0}
        , ram_(ram)
        , memory_(ram.memory()) {
        ram_.fill(0x1000, 0xf000, 0); // the rings
        device_ = VirtioVsock::create(host_.config, host_.end()).value();
        for (unsigned q = 0; q < 3; ++q) {
            const std::uint64_t at = 0x1000 + 0x4000ull * q;
            const RingPlace place = {kSize, at, at + 0x1000, at + 0x2000};
            queues_.emplace_back(kSize, memory_);
            queues_[q].set(place);
            must(queues_[q].enable(memory_, features_).ok());
            drivers_[q] = make_driver(ram_, place, features_, 0);
        }
        device_->start(0);
        device_->unpark();
    }

    // False: the device asks for a reset.
    bool step(const Step& s) {
        act(s);
        const bool works = work();
        hear();
        return works;
    }

    void hear_the_rest() {
        for (Stream& stream : streams_)
            while (read(stream, 1 << 16))
                continue;
    }

private:
    struct Stream {
        UniqueFd fd;
        bool greeted; // "OK PORT\n" is still to come
    };

    void act(const Step& s) {
        switch (s.what % 10) {
        case 0:
        case 1:
        case 2:
        case 3:
            return send(s);
        case 4:
            return give_room(s);
        case 5:
            return call(s);
        case 6:
            return say(s);
        case 7:
            return shut(s);
        case 8:
            return next_generation();
        default:
            return listen_up(s);
        }
    }

    void send(const Step& s) {
        while (drivers_[1]->take())
            --sending_;
        if (sending_ != 0) // its only buffer
            return;
        const std::uint32_t payload = s.bytes % kMostPayload;
        virtio_vsock_hdr h = {};
        h.src_cid = (s.flags & 1) != 0 ? s.extra : kCid;
        h.dst_cid = (s.flags & 2) != 0 ? s.extra : 2;
        h.src_port = guest_port(s);
        h.dst_port = host_port(s);
        h.len = payload + ((s.flags & 4) != 0 ? lie(s) : 0);
        h.type = (s.flags & 8) != 0 ? s.len : std::uint16_t{VIRTIO_VSOCK_TYPE_STREAM};
        h.op = s.op % 10;
        h.flags = s.op / 10;
        h.buf_alloc = (s.flags & 16) != 0 ? s.extra : 1 << 20;
        h.fwd_cnt = (s.flags & 32) != 0 ? s.extra : heard_;
        ram_.poke(kSend, h);
        ram_.fill(kSend + sizeof h, payload, kOfGuest);
        ram_.fill(kSend + sizeof h + payload, 64, kOfNobody);
        const auto whole = static_cast<std::uint32_t>(sizeof h) + payload;
        const std::uint32_t first = (s.flags & 64) != 0 ? 1u + s.len % whole : whole;
        std::vector<Buffer> buffers = {{kSend, first}};
        if (first < whole && (s.flags & 128) == 0) // else that is all of it
            buffers.push_back({kSend + first, whole - first});
        if (drivers_[1]->add(buffers, 0))
            ++sending_;
    }

    void give_room(const Step& s) {
        const auto token = static_cast<std::uint16_t>(s.ports % kSize);
        if (room_[token] != 0)
            return;
        const std::uint32_t bytes = 1 + s.bytes % static_cast<std::uint32_t>(kSlot - 64);
        ram_.fill(kReceive + kSlot * token, kSlot, kOfNobody);
        if (drivers_[0]->add({{kReceive + kSlot * token, bytes, true}}, token))
            room_[token] = bytes;
    }

    void call(const Step& s) {
        auto fd = connect_unix(host_.config.path, Deadline::in(std::chrono::seconds(1)));
        if (!fd || streams_.size() >= 16)
            return;
        std::string line = "CONNECT " + std::to_string(guest_port(s)) + "\n";
        if ((s.flags & 1) != 0)
            line.resize(s.len % line.size());
        (void)sys::write_all(fd->get(), std::as_bytes(std::span(line))).ok();
        streams_.push_back({std::move(*fd), true});
    }

    void say(const Step& s) {
        const std::vector<std::uint8_t> text(s.bytes, kOfHost);
        if (!streams_.empty())
            (void)::send(streams_[s.ports % streams_.size()].fd.get(), text.data(), text.size(),
                         MSG_DONTWAIT | MSG_NOSIGNAL);
    }

    void shut(const Step& s) {
        if (streams_.empty())
            return;
        const std::size_t i = s.ports % streams_.size();
        if (s.flags % 4 == 3)
            streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(i));
        else
            (void)::shutdown(streams_[i].fd.get(), s.flags % 4);
    }

    void next_generation() {
        must(device_->park().ok());
        state::Writer writer{state::Header()};
        writer.begin("virtio-vsock", "vsock0", 1);
        device_->save(writer, true);
        writer.end();
        const auto saved = state::Reader::parse(writer.finish());
        auto next = VirtioVsock::create(host_.config, host_.end()).value();
        must(saved.ok() && next->load(**saved->take("virtio-vsock", "vsock0")).ok());
        device_ = std::move(next);
        device_->start(0);
        device_->unpark();
    }

    bool work() {
        bool more = true;
        for (unsigned round = 0; more && round < 256; ++round) {
            more = false;
            device_->finish(queues_, memory_);
            for (unsigned q = 0; q < 3; ++q) {
                const auto again = device_->serve(q, queues_, memory_);
                if (!again)
                    return false;
                more = more || *again;
            }
        }
        must(!more);
        return true;
    }

    // What the guest is told.
    void hear() {
        while (const auto used = drivers_[0]->take()) {
            const std::uint64_t at = kReceive + kSlot * used->token;
            const auto h = ram_.peek<virtio_vsock_hdr>(at);
            must(used->written == sizeof h + h.len && used->written <= room_[used->token]);
            must(h.dst_cid == kCid && h.op >= VIRTIO_VSOCK_OP_REQUEST &&
                 h.op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST);
            must(h.len == 0 || h.op == VIRTIO_VSOCK_OP_RW);
            must(all_are(ram_.text(at + sizeof h, h.len), kOfHost));
            must(all_are(ram_.text(at + used->written, kSlot - used->written), kOfNobody));
            room_[used->token] = 0;
            heard_ += h.len;
            if (h.op == VIRTIO_VSOCK_OP_REQUEST)
                last_port_ = h.src_port;
        }
    }

    // A process of the host's takes who wants to talk to it, and reads so many bytes.
    void listen_up(const Step& s) {
        if (UniqueFd fd{::accept4(host_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC)})
            streams_.push_back({std::move(fd), false});
        if (!streams_.empty())
            (void)read(streams_[s.ports % streams_.size()], 1 + std::size_t{s.bytes});
    }

    // What it is told; false: nothing.
    static bool read(Stream& stream, std::size_t bytes) {
        std::string text(bytes, 0);
        const auto n = ::recv(stream.fd.get(), text.data(), text.size(), MSG_DONTWAIT);
        text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        const auto line = stream.greeted ? std::min(text.find('\n'), text.size() - 1) + 1 : 0;
        if (line != 0)
            stream.greeted = text[line - 1] != '\n';
        must(all_are(text.substr(line), kOfGuest));
        return !text.empty();
    }

    // More or less than is there, by little or by much.
    static std::uint32_t lie(const Step& s) {
        return (static_cast<std::uint32_t>(static_cast<std::int16_t>(s.len)) + 1) << (s.extra & 16);
    }
    static bool all_are(const std::string& text, std::uint8_t what) {
        return text.find_first_not_of(static_cast<char>(what)) == std::string::npos;
    }
    static std::uint32_t guest_port(const Step& s) { return 5000u + s.ports % 4; }
    std::uint32_t host_port(const Step& s) const {
        return (s.ports & 4) != 0 ? last_port_ - (s.ports >> 3) % 4 : kHostPort;
    }

    const Host& host_;
    const RingFeatures features_;
    TestRam& ram_;
    const Memory memory_;
    std::unique_ptr<VirtioVsock> device_;
    std::vector<Queue> queues_;
    std::unique_ptr<DriverRing> drivers_[3];
    std::array<std::uint32_t, kSize> room_ = {}; // by token
    std::vector<Stream> streams_;
    unsigned sending_ = 0;
    std::uint32_t heard_ = 0, last_port_ = 0;
};

} // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

// Steps stay steps: a byte more or less would make others of all that follow.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
    const std::size_t steps = size > sizeof(Step) ? (size - 1) / sizeof(Step) : 0;
    if (steps == 0)
        return LLVMFuzzerMutate(data, size, most);
    std::minstd_rand random(seed);
    std::uint8_t* const at = data + 1 + sizeof(Step) * (random() % steps);
    std::uint8_t* const end = data + 1 + sizeof(Step) * steps;
    const auto left = static_cast<std::size_t>(end - at), whole = 1 + sizeof(Step) * steps;
    const auto what = random() % 8;
    if (what == 0 && whole + sizeof(Step) <= most) { // twice
        std::memmove(at + sizeof(Step), at, left);
        return whole + sizeof(Step);
    }
    if (what == 1) { // not at all
        std::memmove(at, at + sizeof(Step), left - sizeof(Step));
        return whole - sizeof(Step);
    }
    (void)LLVMFuzzerMutate(at, sizeof(Step), sizeof(Step));
    return whole;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Host host;
    static TestRam ram;
    if (size == 0)
        return 0;
    Run run(host, ram, *data++);
    --size;
    bool works = true;
    for (std::size_t n = 0; works && n < kSteps && size >= sizeof(Step); ++n) {
        Step s = {};
        std::memcpy(&s, data, sizeof s);
        data += sizeof s;
        size -= sizeof s;
        works = run.step(s);
    }
    run.hear_the_rest();
    host.hang_up_on_all();
    return 0;
}
