# Builds and runs somebody else's program in one of the ways in which Pollux can be had.
#
#   cmake -DWAY=... -DBACKENDS=... -DSOURCE=... -DINSTALLED=... -DWORK=...
#         [-DTOOLCHAIN=... -DEMULATOR=...] -P consumers.cmake
#
# WAY: install, which fills INSTALLED (two prefixes: "lib" and, for pkg_config, "multiarch", by the
# name of their CMAKE_INSTALL_LIBDIR); find_package, components, static_in_shared, pkg_config, which
# use it; find_package_shared, subdirectory, fetchcontent, crlf_checkout.
# BACKENDS: those to be compiled in where there is a choice, with commas between them.

set(here "${CMAKE_CURRENT_LIST_DIR}")
set(multiarch lib/x86_64-linux-gnu)
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

# run_failing(TEXT COMMAND...): it must fail, and what it prints must contain TEXT.
function(run_failing text)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                    ERROR_VARIABLE output)
    string(REPLACE ";" " " command "${ARGN}")
    if(result EQUAL 0)
        message(FATAL_ERROR "${command}\ndid not fail:\n${output}")
    endif()
    string(REGEX REPLACE "[ \n]+" " " output "${output}") # CMake wraps its messages.
    string(FIND "${output}" "${text}" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "${command}\ndid not say \"${text}\":\n${output}")
    endif()
endfunction()

function(require_files)
    foreach(file IN LISTS ARGN)
        if(NOT EXISTS "${file}")
            message(FATAL_ERROR "${file} was not installed")
        endif()
    endforeach()
endfunction()

function(run_consumer)
    run(${EMULATOR} "${WORK}/build/${program}")
    message("${output}")
    if(NOT output MATCHES "heard itself")
        message(FATAL_ERROR "it did not hear itself")
    endif()
endfunction()

function(build project)
    run(${CMAKE_COMMAND} -S "${here}/${project}" -B "${WORK}/build" ${options} ${ARGN})
    run(${CMAKE_COMMAND} --build "${WORK}/build")
    run_consumer()
endfunction()

# install(BUILD PREFIX OPTION...): the prefix is given to the install step alone.
function(install build prefix)
    run(${CMAKE_COMMAND} -S "${SOURCE}" -B "${build}" ${options} -DPOLLUX_BUILD_TOOLS=OFF
        -DPOLLUX_BUILD_EXAMPLES=OFF ${ARGN})
    run(${CMAKE_COMMAND} --build "${build}")
    run(${CMAKE_COMMAND} --install "${build}" --prefix "${prefix}")
endfunction()

# Everything that others build comes from prefixes that were moved after they had been installed.
function(way_install)
    string(REPLACE "," "\\;" backends "${BACKENDS}")
    file(REMOVE_RECURSE "${INSTALLED}")
    install("${WORK}/pollux" "${WORK}/lib" -DCMAKE_INSTALL_LIBDIR=lib
            "-DPOLLUX_BACKENDS=${backends}")
    require_files("${WORK}/lib/share/doc/pollux/LICENSE" "${WORK}/lib/share/doc/pollux/README.md"
                  "${WORK}/lib/share/doc/pollux/docs/design.md"
                  "${WORK}/lib/share/doc/pollux/examples/chat.c")
    file(MAKE_DIRECTORY "${INSTALLED}")
    file(RENAME "${WORK}/lib" "${INSTALLED}/lib")
    if(NOT TOOLCHAIN)
        install("${WORK}/pollux" "${WORK}/multiarch" -DCMAKE_INSTALL_LIBDIR=${multiarch})
        file(RENAME "${WORK}/multiarch" "${INSTALLED}/multiarch")
    endif()
endfunction()

function(way_components)
    set(project ${CMAKE_COMMAND} -S "${here}/components" ${options})
    set(package "-Dpollux_DIR=${INSTALLED}/lib/lib/cmake/pollux")
    build(components ${package} -DCOMPONENTS=posix)
    run(${EMULATOR} "${WORK}/build/posix_${program}")
    run_failing("pollux has no component \"colour\"" ${project} -B "${WORK}/failing" ${package}
                -DCOMPONENTS=colour)
    if(TOOLCHAIN)
        install("${WORK}/pollux" "${WORK}/prefix" -DCMAKE_INSTALL_LIBDIR=lib
                -DPOLLUX_BUILD_POSIX=OFF)
        run_failing("built without the POSIX layer" ${project} -B "${WORK}/failing"
                    "-Dpollux_DIR=${WORK}/prefix/lib/cmake/pollux" -DCOMPONENTS=posix)
    endif()
endfunction()

# compile_by_pkg_config(PREFIX LIBDIR)
function(compile_by_pkg_config prefix libdir)
    set(ENV{PKG_CONFIG_PATH} "${prefix}/${libdir}/pkgconfig")
    file(MAKE_DIRECTORY "${WORK}/build")
    run(pkg-config --static --cflags --libs pollux)
    separate_arguments(flags UNIX_COMMAND "${output}")
    run(cc "${here}/consumer.c" -o "${WORK}/build/consumer" ${flags})
    run_consumer()
    run(pkg-config --cflags --libs pollux-posix)
    separate_arguments(flags UNIX_COMMAND "${output}")
    run(cc "${here}/../posix/consumer.c" -o "${WORK}/build/posix_consumer" ${flags})
    run("${WORK}/build/posix_consumer")
endfunction()

# A repository made of the tree as it is, for what is fetched or checked out is a commit.
function(repository_make)
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
endfunction()

# As Git for Windows checks out by default: with CRLF, unless .gitattributes says otherwise.
function(way_crlf_checkout)
    repository_make()
    run(git -c core.autocrlf=true clone -q "file://${WORK}/repository" "${WORK}/checkout")
    run(git -C "${WORK}/checkout" ls-files --eol)
    # Binary files (-text) have the bytes that they have.
    string(REGEX MATCH "[^\n]* w/(crlf|mixed) +attr/[^-\n][^\n]*" line "${output}")
    if(line OR NOT output MATCHES " w/lf ")
        message(FATAL_ERROR "a line of this file ends with CRLF: ${line}")
    endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
if(WAY STREQUAL "install")
    way_install()
elseif(WAY STREQUAL "find_package")
    build(find_package "-Dpollux_DIR=${INSTALLED}/lib/lib/cmake/pollux")
elseif(WAY STREQUAL "find_package_shared")
    install("${WORK}/pollux" "${WORK}/prefix" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=ON)
    require_files("${WORK}/prefix/lib/libpollux.so.0.2") # The soname, which the next line loads.
    build(find_package "-Dpollux_DIR=${WORK}/prefix/lib/cmake/pollux")
elseif(WAY STREQUAL "components")
    way_components()
elseif(WAY STREQUAL "static_in_shared")
    build(static_in_shared "-Dpollux_DIR=${INSTALLED}/lib/lib/cmake/pollux")
    run(nm -D --defined-only "${WORK}/build/libgreeting.so")
    if(NOT output MATCHES "greeting_main" OR output MATCHES " plx_")
        message(FATAL_ERROR "the shared library exports what it should not:\n${output}")
    endif()
elseif(WAY STREQUAL "pkg_config")
    compile_by_pkg_config("${INSTALLED}/lib" lib)
    compile_by_pkg_config("${INSTALLED}/multiarch" ${multiarch})
elseif(WAY STREQUAL "subdirectory")
    build(subdirectory "-DPOLLUX_SOURCE=${SOURCE}")
elseif(WAY STREQUAL "fetchcontent")
    repository_make()
    build(fetchcontent "-DPOLLUX_REPOSITORY=file://${WORK}/repository" -DPOLLUX_TAG=main)
elseif(WAY STREQUAL "crlf_checkout")
    way_crlf_checkout()
else()
    message(FATAL_ERROR "there is no way \"${WAY}\"")
endif()
file(REMOVE_RECURSE "${WORK}")
