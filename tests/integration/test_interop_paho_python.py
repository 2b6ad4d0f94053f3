"""Eclipse Paho for Python through every door of the node."""
from harness import run
from interop.drivers import PahoPython
from interop.matrix import tests_of

Interop = tests_of(PahoPython, PahoPython.transports)

if __name__ == "__main__":
    run()
