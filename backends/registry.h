/* backends/registry.h - every backend there is; pollux_config.h says which are compiled in. */
#ifndef PLX__REGISTRY_H
#define PLX__REGISTRY_H

#include "backends/backend.h"

extern const plx__backend_ops plx__poll_backend;
extern const plx__backend_ops plx__select_backend;
extern const plx__backend_ops plx__epoll_backend;
extern const plx__backend_ops plx__libuv_backend;
extern const plx__backend_ops plx__iocp_backend;
extern const plx__backend_ops plx__uring_backend;

#endif
