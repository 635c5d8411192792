// SPDX-License-Identifier: Apache-2.0
#include "core/config/identity.hpp"

#include <algorithm>

#include "core/config/print.hpp"

namespace segue::config {

namespace {

// Where this host keeps a block: another host, or this one after a change, may need another place.
bool is_placement(std::string_view path) {
    const std::string_view key = path.substr(std::min(path.find("]."), path.size()));
    return key == "].prealloc" || key == "].lock" || key.substr(0, 7) == "].numa.";
}

bool is_identity(std::string_view path) {
    return path.substr(0, 6) == "guest." || path.substr(0, 7) == "device[" ||
           (path.substr(0, 7) == "memory[" && !is_placement(path));
}

// Younger than the identity itself: a VMM that does not know the key has the default.
bool is_default_of_younger(std::string_view path, const std::string& value) {
    const auto is_option = [path](std::string_view name) {
        return path.size() > name.size() && path.substr(path.size() - name.size()) == name;
    };
    return (path == "guest.cpu" && value == "\"host\"") ||
           (path == "guest.nested" && value == "false") ||
           (is_option(".options.packed") && value == "true") ||
           (is_option(".options.shared") && value == "false");
}

bool is_resting_place(std::string_view path) {
    for (const std::string_view part :
         {"update.channels.main.", "update.channels.at-rest.", "update.keeper"})
        if (path.substr(0, part.size()) == part)
            return true;
    return false;
}

void add(const Setting& setting, Identity& identity) {
    std::string value = print(setting.value, setting.rule.type);
    if (!is_default_of_younger(setting.path, value))
        identity.emplace_back(setting.path, std::move(value));
}

Identity keys_of(const Settings& settings, bool (*wanted)(std::string_view)) {
    Identity identity;
    for (const Setting& s : settings.all())
        if (wanted(s.path) && s.rule.type != Type::Table)
            add(s, identity);
        else if (wanted(s.path) && !settings.has_below(s.path))
            for (const Entry& e : std::get_if<Table>(&s.value)->entries())
                identity.emplace_back(s.path + "." + print_key(e.key), print(e.value));
    return identity;
}

const std::string* find(const Identity& identity, const std::string& key) {
    for (const auto& [k, value] : identity)
        if (k == key)
            return &value;
    return nullptr;
}

Error differs(const std::string& key, const std::string* running, const std::string* fresh) {
    const std::string old_value = running != nullptr ? *running : "absent";
    const std::string new_value = fresh != nullptr ? *fresh : "absent";
    return Error(Code::Refused, "key " + key + " is " + old_value + " in the running guest, but " +
                                    new_value + " in the new configuration")
        .way_out("an update cannot change it: put it back, or stop the guest and start it anew")
        .with("key", key)
        .with("running", old_value)
        .with("new", new_value);
}

} // namespace

Identity identity_of(const Settings& settings) {
    return keys_of(settings, is_identity);
}

Identity resting_place_of(const Settings& settings) {
    return keys_of(settings, is_resting_place);
}

Status same_identity(const Identity& running, const Identity& fresh,
                     const std::vector<std::string>& free) {
    const auto is_free = [&free](const std::string& key) {
        return std::any_of(free.begin(), free.end(), [&key](const std::string& prefix) {
            return key.compare(0, prefix.size(), prefix) == 0;
        });
    };
    for (const auto& [key, value] : running) {
        if (is_free(key))
            continue;
        const std::string* other = find(fresh, key);
        if (other == nullptr || *other != value)
            return differs(key, &value, other);
    }
    for (const auto& [key, value] : fresh)
        if (!is_free(key) && find(running, key) == nullptr)
            return differs(key, nullptr, &value);
    return {};
}

} // namespace segue::config
