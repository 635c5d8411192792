# segue_add_plugin(ID KIND SOURCES... [LIBS LIBRARIES...] [VERSION TEXT] [OUTPUT DIR] [TARGET NAME]
#                  [ALIASES NAMES...])
#
# One plugin: KIND is transport, memory, mode or keeper. Gives the target <kind>-<id>, or NAME, and, below
# the build folder, lib/segue/plugins/<kind>/<id>.so with its manifest <id>.toml, written from the
# binary's own description. The same in Segue's tree and from find_package(SegueSDK). With OUTPUT it
# goes to DIR/<kind>/ instead, and is not installed: for plugins of tests. ALIASES: other names by which a
# configuration or a command may call it; they stand in the manifest alone.
function(segue_add_plugin id kind)
    set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
    cmake_parse_arguments(arg "" "VERSION;OUTPUT;TARGET" "LIBS;ALIASES" ${ARGN})
    if(NOT id MATCHES "^[a-z0-9][a-z0-9-]*$")
        message(FATAL_ERROR "segue_add_plugin: the id '${id}' may hold a-z, 0-9 and '-' only")
    endif()
    if(NOT kind MATCHES "^(transport|memory|mode|keeper)$")
        message(FATAL_ERROR "segue_add_plugin(${id}): '${kind}' is not a kind of plugin")
    endif()
    set(version "${arg_VERSION}")
    if(NOT version)
        set(version "$<IF:$<BOOL:${SEGUE_VERSION}>,${SEGUE_VERSION},${PROJECT_VERSION}>")
    endif()

    set(target ${kind}-${id})
    if(arg_TARGET)
        set(target ${arg_TARGET})
    endif()
    set(dir ${CMAKE_BINARY_DIR}/lib/segue/plugins/${kind})
    if(arg_OUTPUT)
        set(dir ${arg_OUTPUT}/${kind})
    endif()
    add_library(${target} MODULE ${arg_UNPARSED_ARGUMENTS})
    target_link_libraries(${target} PRIVATE Segue::SDK ${arg_LIBS})
    set_target_properties(${target} PROPERTIES
        PREFIX "" OUTPUT_NAME ${id} LIBRARY_OUTPUT_DIRECTORY ${dir}
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
        LINK_DEPENDS ${map})
    target_compile_definitions(${target} PRIVATE
        SEGUE_PLUGIN_ID="${id}" SEGUE_PLUGIN_VERSION="${version}")
    # A unique symbol would keep the library, and what it shares with others, in the process.
    target_compile_options(${target} PRIVATE
        $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
    target_link_options(${target} PRIVATE LINKER:--version-script=${map})
    # clang leaves the sanitizers' symbols to the program.
    get_directory_property(options LINK_OPTIONS)
    if(NOT (CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND
            "${options} ${CMAKE_CXX_FLAGS} ${CMAKE_MODULE_LINKER_FLAGS}" MATCHES "-fsanitize="))
        target_link_options(${target} PRIVATE LINKER:-z,defs)
    endif()
    add_custom_command(TARGET ${target} POST_BUILD
        COMMAND Segue::manifest ${dir}/${id}.so ${dir}/${id}.toml ${arg_ALIASES}
        BYPRODUCTS ${dir}/${id}.toml VERBATIM)
    add_dependencies(${target} Segue::manifest)
    if(arg_OUTPUT)
        return()
    endif()
    set_property(GLOBAL APPEND PROPERTY SEGUE_PLUGIN_TARGETS ${target})
    set(dest lib/segue/plugins/${kind})
    install(TARGETS ${target} LIBRARY DESTINATION ${dest} COMPONENT plugins)
    install(FILES ${dir}/${id}.toml DESTINATION ${dest} COMPONENT plugins)
endfunction()
