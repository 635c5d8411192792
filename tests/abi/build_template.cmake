# cmake -P, from tests: installs the SDK of BUILD into WORK/prefix, then configures and builds a copy
# of SOURCE, a plugin, below WORK: out of the tree, as its author would.
function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed)
    if(failed)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "failed: ${command}")
    endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${WORK}/prefix)
# The copy knows nothing of the tree that it came from.
file(COPY ${SOURCE}/ DESTINATION ${WORK}/plugin)
run(${CMAKE_COMMAND} -S ${WORK}/plugin -B ${WORK}/build -G ${GENERATOR}
    -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${FLAGS}"
    "-DCMAKE_MODULE_LINKER_FLAGS=${FLAGS}")
run(${CMAKE_COMMAND} --build ${WORK}/build)
