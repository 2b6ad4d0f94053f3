// The one translation unit that compiles Boost.Test itself (header-only).
#define BOOST_TEST_MODULE starling
#include <boost/test/included/unit_test.hpp>
