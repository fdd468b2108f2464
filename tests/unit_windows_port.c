/* tests/unit_windows_port.c - the completion port over the double. */
#include <string.h>

#include "tests/port_fixture.h"
#include "tests/winsock_double.h"

extern const test_case unit_windows_port_cases[];

const test_case unit_windows_port_cases[] = {
    CASES_END,
};
