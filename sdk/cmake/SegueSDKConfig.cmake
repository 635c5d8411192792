# find_package(SegueSDK): the targets Segue::SDK (headers) and Segue::manifest (the generator), and
# segue_add_plugin().
include(${CMAKE_CURRENT_LIST_DIR}/SegueSDKTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/SegueAddPlugin.cmake)
