# find_package(ringcast) gives the targets ringcast::ringcast (shared) and ringcast::static.
get_filename_component(_ringcast_lib "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
get_filename_component(_ringcast_prefix "${_ringcast_lib}/.." ABSOLUTE)
find_package(Threads REQUIRED)
if(NOT TARGET ringcast::ringcast)
  add_library(ringcast::ringcast SHARED IMPORTED)
  set_target_properties(ringcast::ringcast PROPERTIES
    IMPORTED_LOCATION "${_ringcast_lib}/libringcast.so"
    IMPORTED_SONAME "libringcast.so.0"
    INTERFACE_INCLUDE_DIRECTORIES "${_ringcast_prefix}/include")
  add_library(ringcast::static STATIC IMPORTED)
  set_target_properties(ringcast::static PROPERTIES
    IMPORTED_LOCATION "${_ringcast_lib}/libringcast.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_ringcast_prefix}/include"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
