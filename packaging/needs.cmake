# SPDX-License-Identifier: Apache-2.0
# The needs of a build. All missing parts are listed in one message before the project begins: CMake's own errors name one part
# at a time, and not by the name of its package.

set(NEED_MODULES "")
set(NEED_MISSING "")
set(NEED_DEBIAN "")
set(NEED_FEDORA "")

function(need_is_missing WHAT DEBIAN FEDORA)
  set(NEED_MISSING "${NEED_MISSING}\n  ${WHAT}" PARENT_SCOPE)
  set(NEED_DEBIAN "${NEED_DEBIAN} ${DEBIAN}" PARENT_SCOPE)
  set(NEED_FEDORA "${NEED_FEDORA} ${FEDORA}" PARENT_SCOPE)
endfunction()

macro(need_program WHAT NAMES DEBIAN FEDORA)
  find_program(NEED_PROGRAM NAMES ${NAMES} NO_CACHE)
  if(NOT NEED_PROGRAM)
    need_is_missing("${WHAT}" "${DEBIAN}" "${FEDORA}")
  endif()
  unset(NEED_PROGRAM)
endmacro()

macro(need_header NAME DEBIAN FEDORA)
  find_path(NEED_PATH NAMES ${NAME} PATHS ENV CPATH /usr/local/include /usr/include NO_CACHE)
  if(NOT NEED_PATH)
    need_is_missing("${NAME}" "${DEBIAN}" "${FEDORA}")
  endif()
  unset(NEED_PATH)
endmacro()

# A library, by its pkg-config module; SPEC is what pkg-config takes, such as gnutls>=3.7. Becomes PkgConfig::PREFIX.
macro(need_module PREFIX SPEC DEBIAN FEDORA)
  list(APPEND NEED_MODULES ${PREFIX} ${SPEC})
  string(REGEX REPLACE "([<>=]+)" " \\1 " NEED_SPEC "${SPEC}")
  if(NEED_PKG_CONFIG)
    execute_process(COMMAND ${NEED_PKG_CONFIG} --exists "${NEED_SPEC}" RESULT_VARIABLE NEED_FAILED OUTPUT_QUIET ERROR_QUIET)
  endif()
  if(NOT NEED_PKG_CONFIG OR NEED_FAILED)
    need_is_missing("${NEED_SPEC}" "${DEBIAN}" "${FEDORA}")
  endif()
endmacro()

find_program(NEED_PKG_CONFIG NAMES $ENV{PKG_CONFIG} pkg-config pkgconf NO_CACHE)
need_program("a C compiler" "${CMAKE_C_COMPILER};$ENV{CC};cc;gcc;clang" gcc gcc)
need_header(stdio.h libc6-dev glibc-devel)
if(CMAKE_GENERATOR STREQUAL Ninja)
  need_program("ninja" "${CMAKE_MAKE_PROGRAM};ninja;ninja-build" ninja-build ninja-build)
endif()
need_program("pkg-config" "$ENV{PKG_CONFIG};pkg-config;pkgconf" pkg-config pkgconf-pkg-config)
need_program("protoc-c" protoc-c protobuf-c-compiler protobuf-c-compiler)
need_module(GNUTLS gnutls>=3.7 libgnutls28-dev gnutls-devel)
need_module(LIBUV libuv>=1.44 libuv1-dev libuv-devel)
need_module(LIBCONFIG libconfig>=1.5 libconfig-dev libconfig-devel)
need_module(LIBCURL libcurl libcurl4-gnutls-dev libcurl-devel)
need_module(NGHTTP2 libnghttp2>=1.52 libnghttp2-dev libnghttp2-devel)
need_module(SECCOMP libseccomp>=2.5 libseccomp-dev libseccomp-devel)
need_module(PROTOBUF_C libprotobuf-c>=1.4 libprotobuf-c-dev protobuf-c-devel)
need_module(JANSSON jansson libjansson-dev jansson-devel)
need_header(uthash.h uthash-dev uthash-devel)

# llhttp is a library from version 9 on. Debian 12 ships an older one as C sources.
if(NEED_PKG_CONFIG)
  execute_process(COMMAND ${NEED_PKG_CONFIG} --exists "libllhttp >= 9" RESULT_VARIABLE NEED_FAILED OUTPUT_QUIET ERROR_QUIET)
  if(NEED_FAILED EQUAL 0)
    list(APPEND NEED_MODULES LLHTTP libllhttp>=9)
  elseif(EXISTS /usr/share/llhttp/llhttp.c AND EXISTS /usr/share/include/llhttp/llhttp.h)
    set(LLHTTP_SOURCE /usr/share/llhttp)
    set(LLHTTP_SOURCE_INCLUDE /usr/share/include/llhttp)
  endif()
endif()
if(NOT LLHTTP IN_LIST NEED_MODULES AND NOT LLHTTP_SOURCE)
  need_is_missing("libllhttp >= 9" libllhttp-dev llhttp-devel)
  set(NEED_NOTE "\n(Debian 12 has no libllhttp-dev: install node-llhttp there.)")
endif()

# Says all of it at once.
function(needs_report)
  if(NEED_MISSING)
    message(FATAL_ERROR "These parts are missing:${NEED_MISSING}\nInstall them, as root:\n"
      "  Debian, Ubuntu:  apt-get install${NEED_DEBIAN}\n  Fedora:          dnf install${NEED_FEDORA}${NEED_NOTE}\n"
      "Then run the same command again.")
  endif()
endfunction()
