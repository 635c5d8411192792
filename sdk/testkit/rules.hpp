// SPDX-License-Identifier: Apache-2.0
// rules.hpp - what the ABI says, in the words of its headers and of the rules for plugins.
#pragma once

namespace segue::testkit::rules {

inline constexpr const char* never_throws =
    "every function returns a status and never throws, construction of the library too";
inline constexpr const char* never_ends_the_process =
    "a plugin installs no signal handler, calls no exit, chdir, umask, setlocale, fork or exec";
inline constexpr const char* never_blocks =
    "no function of a transport ever blocks, and every other one ends within its phase's deadline";
inline constexpr const char* one_entry =
    "a plugin exports one object, segue_plugin_entry, of the host's entry revision, and nothing "
    "else";
inline constexpr const char* drafts =
    "ids that end in .draft/N are unpromised and match only exactly";
inline constexpr const char* manifest =
    "the manifest is written by the build from the plugin's own info; a binary that disagrees with "
    "it is refused";
inline constexpr const char* info =
    "kind, id ([a-z0-9-]+, and the file's name), version, licence, summary, needs, caps and "
    "options are all there, and are UTF-8";
inline constexpr const char* caps =
    "segue_info.caps names the bits of the table's capabilities, in their order";
inline constexpr const char* statuses = "a function answers one of the statuses of status.h";
inline constexpr const char* errors =
    "an error goes into the caller's struct, whose `size` bytes are all that may be written";
inline constexpr const char* tables =
    "table() gives the function table of its own kind, the same at every call, and NULL for any "
    "other id; the functions that the kind demands are there";
inline constexpr const char* instances =
    "create() may be called several times, so there are no mutable globals";
inline constexpr const char* descriptors =
    "a plain descriptor argument is consumed on success and untouched on error; those in arrays "
    "are borrowed; those returned are the caller's, CLOEXEC set";
inline constexpr const char* threads =
    "a plugin starts threads and commands only through the host's services";
inline constexpr const char* check = "check() says whether it could be done, and creates nothing";

} // namespace segue::testkit::rules
