# Builds and runs somebody else's program in one of the ways in which Pollux can be had.
#
#   cmake -DWAY=... -DBACKENDS=... -DSOURCE=... -DWORK=...
#         [-DTOOLCHAIN=... -DEMULATOR=...] -P consumers.cmake
#
# WAY: find_package, find_package_shared, pkg_config, subdirectory, fetchcontent.
# BACKENDS: those to be compiled in where there is a choice, with commas between them.

set(here "${CMAKE_CURRENT_LIST_DIR}")
set(options -G Ninja)
set(program consumer)
if(TOOLCHAIN)
    set(program consumer.exe)
    list(APPEND options "-DCMAKE_TOOLCHAIN_FILE=${TOOLCHAIN}" "-DCMAKE_EXE_LINKER_FLAGS=-static")
endif()

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                    ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        string(REPLACE ";" " " command "${ARGN}")
        message(FATAL_ERROR "${command}\nended with ${result}:\n${output}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

function(build project)
    run(${CMAKE_COMMAND} -S "${here}/${project}" -B "${WORK}/build" ${options} ${ARGN})
    run(${CMAKE_COMMAND} --build "${WORK}/build")
    run(${EMULATOR} "${WORK}/build/${program}")
    message("${output}")
    if(NOT output MATCHES "heard itself")
        message(FATAL_ERROR "it did not hear itself")
    endif()
endfunction()

function(install)
    run(${CMAKE_COMMAND} -S "${SOURCE}" -B "${WORK}/pollux" ${options} -DPOLLUX_BUILD_TOOLS=OFF
        -DPOLLUX_BUILD_EXAMPLES=OFF "-DCMAKE_INSTALL_PREFIX=${WORK}/prefix"
        -DCMAKE_INSTALL_LIBDIR=lib ${ARGN})
    run(${CMAKE_COMMAND} --build "${WORK}/pollux")
    run(${CMAKE_COMMAND} --install "${WORK}/pollux")
endfunction()

string(REPLACE "," "\\;" backends "${BACKENDS}")
file(REMOVE_RECURSE "${WORK}")
if(WAY STREQUAL "find_package")
    install("-DPOLLUX_BACKENDS=${backends}")
    build(find_package "-Dpollux_DIR=${WORK}/prefix/lib/cmake/pollux")
elseif(WAY STREQUAL "find_package_shared")
    install(-DBUILD_SHARED_LIBS=ON)
    build(find_package "-Dpollux_DIR=${WORK}/prefix/lib/cmake/pollux")
elseif(WAY STREQUAL "pkg_config")
    install("-DPOLLUX_BACKENDS=${backends}")
    set(ENV{PKG_CONFIG_PATH} "${WORK}/prefix/lib/pkgconfig")
    run(pkg-config --static --cflags --libs pollux)
    separate_arguments(flags UNIX_COMMAND "${output}")
    run(cc "${here}/consumer.c" -o "${WORK}/consumer" ${flags})
    run("${WORK}/consumer")
    message("${output}")
elseif(WAY STREQUAL "subdirectory")
    build(subdirectory "-DPOLLUX_SOURCE=${SOURCE}")
elseif(WAY STREQUAL "fetchcontent")
    # From a repository made of the tree as it is, for what is fetched is a commit.
    file(MAKE_DIRECTORY "${WORK}/repository")
    run(git -C "${SOURCE}" ls-files --cached --others --exclude-standard)
    string(REPLACE "\n" ";" files "${output}")
    foreach(file IN LISTS files)
        if(file AND EXISTS "${SOURCE}/${file}")
            get_filename_component(folder "${WORK}/repository/${file}" DIRECTORY)
            file(COPY "${SOURCE}/${file}" DESTINATION "${folder}")
        endif()
    endforeach()
    set(git git -C "${WORK}/repository" -c user.name=consumer -c user.email=consumer@localhost)
    run(${git} init -q -b main)
    run(${git} add -A)
    run(${git} commit -q -m "as it is")
    build(fetchcontent "-DPOLLUX_REPOSITORY=file://${WORK}/repository" -DPOLLUX_TAG=main)
else()
    message(FATAL_ERROR "there is no way \"${WAY}\"")
endif()
file(REMOVE_RECURSE "${WORK}")
