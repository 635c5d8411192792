// SPDX-License-Identifier: Apache-2.0
// check.hpp - does a plugin keep the ABI? The cases of its kind, each in a process of its own. For
// segue-plugin-check, and for a plugin's own tests with any framework or none.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace segue::testkit {

struct Request {
    std::string file; // the .so; its manifest lies beside it
    // Keys of the plugin's own schema. "{dir}" in a value becomes an empty folder, "{port}" a TCP
    // port that nobody uses, "{socket:1}" and "{socket:2}" the inherited descriptors of a connected
    // pair, all new for each case. A key 'path' that is left out becomes a file in that folder
    // where it is required or, as in the host, of a transport.
    std::map<std::string, std::string> options = {};
    std::chrono::milliseconds deadline = std::chrono::seconds(20); // of one case
    std::uint64_t bytes = 4u << 20; // of a RAM block: some back-ends have larger pages
    std::string only = {};          // one case, by its name
};

enum class Verdict { Passed, Failed, DoesNotApply };

struct Row {
    std::string name;   // "carries-every-byte"
    std::string proves; // one sentence
    Verdict verdict = Verdict::Failed;
    std::string what; // Failed: what the plugin did; DoesNotApply: why
    std::string rule; // Failed: what the ABI says
};

struct Report {
    std::string plugin; // "transport/unix 0.1.0", or the file where it cannot say
    std::vector<Row> rows;

    // At least one case was tried, and none failed.
    bool passed() const;
    // For people; for machines, one object.
    std::string table() const;
    std::string json() const;
};

// Opens nothing in this process, which should have one thread (it forks); no signal handler is
// changed. The plugin is code: check only what you would run.
Report check(const Request& request);

// Every case there is, by kind: "every kind", "transport", "memory", "keeper", "mode".
struct KnownCase {
    std::string kind, name, proves;
};
std::vector<KnownCase> known_cases();

} // namespace segue::testkit
