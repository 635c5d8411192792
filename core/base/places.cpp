// SPDX-License-Identifier: Apache-2.0
#include "core/base/places.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <segue/cpp/sys.hpp>

namespace segue {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* key) {
    const char* value = std::getenv(key);
    return value != nullptr && value[0] == '/' ? value : "";
}

// A folder that does not exist yet lies where its nearest parent lies.
bool on_tmpfs(fs::path path) {
    struct statfs s = {};
    while (::statfs(path.c_str(), &s) != 0) {
        if (errno != ENOENT || !path.has_relative_path())
            return false;
        path = path.parent_path();
    }
    return s.f_type == TMPFS_MAGIC;
}

Result<std::string> find_run_dir() {
    std::vector<std::string> candidates;
    if (::geteuid() == 0)
        candidates.emplace_back("/run/segue");
    if (const auto dir = environment("XDG_RUNTIME_DIR"); !dir.empty())
        candidates.push_back(dir + "/segue");
    candidates.push_back("/dev/shm/segue-" + std::to_string(::geteuid()));
    for (const auto& dir : candidates)
        if (on_tmpfs(dir))
            return dir;
    return Error(Code::NotFound, "no run directory: none of /run/segue, $XDG_RUNTIME_DIR/segue and "
                                 "/dev/shm lies on tmpfs")
        .way_out("name a folder on tmpfs with --run-dir");
}

Result<std::string> find_state_dir() {
    if (::geteuid() == 0)
        return std::string("/var/lib/segue");
    if (const auto dir = environment("XDG_STATE_HOME"); !dir.empty())
        return dir + "/segue";
    if (const auto home = environment("HOME"); !home.empty())
        return home + "/.local/state/segue";
    return Error(Code::NotFound, "no state directory: neither XDG_STATE_HOME nor HOME is set")
        .way_out("name a folder with --state-dir");
}

Result<std::string> absolute(const std::string& dir) {
    std::error_code e;
    const auto path = fs::absolute(dir, e);
    if (e)
        return Error::from_errno(e.value(), "folder " + dir);
    return path.lexically_normal().string();
}

Status make_folder(const std::string& path) {
    std::error_code e;
    fs::create_directories(fs::path(path).parent_path(), e);
    if (e)
        return Error::from_errno(e.value(), "make the folder above " + path);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return Error::from_errno(errno, "make the folder " + path);
    return {};
}

Status check_private(const std::string& path) {
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    SEGUE_ASSIGN(const auto s, sys::stat(fd.get()));
    if (s.st_uid != ::geteuid() || (s.st_mode & 022) != 0)
        return Error(Code::Refused, "the run folder " + path + " belongs to uid " +
                                        std::to_string(s.st_uid) +
                                        " or others may write there: it cannot be trusted")
            .way_out("remove it, or choose another with --run-dir")
            .with("path", path);
    return {};
}

// Whole-file write lock of an open file description (fcntl(2), "Open file description locks").
struct flock whole_file() {
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

std::vector<std::string> folders_in(const std::string& dir) {
    std::vector<std::string> names;
    std::error_code e;
    for (fs::directory_iterator it(dir, e), end; !e && it != end; it.increment(e))
        if (it->is_directory(e))
            names.push_back(it->path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace

Result<Places> Places::find(const std::string& run_dir, const std::string& state_dir) {
    Places places;
    SEGUE_ASSIGN(places.run_dir, run_dir.empty() ? find_run_dir() : absolute(run_dir));
    SEGUE_ASSIGN(places.state_dir, state_dir.empty() ? find_state_dir() : absolute(state_dir));
    return places;
}

Result<GuestPlaces> Places::guest(const std::string& name) const {
    if (name.empty() || name.size() > 63 || name.front() == '.' ||
        name.find_first_of(std::string("/\n\0", 3)) != std::string::npos)
        return Error(Code::Invalid, "'" + name + "' cannot be a guest's name")
            .way_out("a name has 1 to 63 bytes, no '/', and does not begin with '.'");
    return GuestPlaces{run_dir + "/" + name, state_dir + "/" + name};
}

std::vector<std::string> Places::guests() const {
    return folders_in(run_dir);
}

std::vector<std::string> Places::recorded() const {
    return folders_in(state_dir);
}

Status create(const GuestPlaces& places) {
    SEGUE_TRY(make_folder(places.run));
    SEGUE_TRY(check_private(places.run));
    return make_folder(places.state);
}

Result<UniqueFd> take_lock(const GuestPlaces& places) {
    SEGUE_ASSIGN(UniqueFd fd, sys::open(places.lock(), O_RDWR | O_CREAT | O_NOFOLLOW));
    struct flock lock = whole_file();
    if (::fcntl(fd.get(), F_OFD_SETLK, &lock) == 0)
        return fd;
    if (errno == EAGAIN || errno == EACCES)
        return Error(Code::Exists, "the run folder " + places.run + " is in use by a running VMM")
            .way_out("give the guest another name, or end it with `segue shutdown`")
            .with("path", places.lock());
    return Error::from_errno(errno, "lock " + places.lock());
}

bool is_locked(const GuestPlaces& places) {
    auto fd = sys::open(places.lock(), O_RDWR | O_NOFOLLOW);
    if (!fd)
        return false;
    struct flock lock = whole_file();
    return ::fcntl(fd->get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

} // namespace segue
