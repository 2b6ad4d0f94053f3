"""npm packages for tests, exactly those of a lockfile, installed once per build folder."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
INSTALLED = os.path.join(os.environ.get("INTEROP_DIR", os.path.join(os.getcwd(), "interop")), "npm")
UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH", "ECONNRESET", "ERR_SOCKET_TIMEOUT")


def installed(project):
    """The folder that holds node_modules of `project`, a folder with package.json and package-lock.json.

    Installs unless exactly this lockfile is installed already; tests that run side by side wait for each other.
    A registry that cannot be reached skips the test, loudly: nothing else does.
    """
    source = os.path.join(HERE, project)
    target = os.path.join(INSTALLED, os.path.basename(source))
    with open(os.path.join(source, "package-lock.json"), "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    stamp = os.path.join(target, "installed")
    os.makedirs(target, exist_ok=True)
    with open(target + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(stamp):
            with open(stamp) as file:
                if file.read() == wanted:
                    return target
        shutil.rmtree(target)
        os.makedirs(target)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(source, name), target)
        # No scripts of strangers are run, and nothing that needs a compiler is fetched.
        run = subprocess.run(["npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--prefer-offline"],
                             cwd=target, capture_output=True, text=True, timeout=300)
        if run.returncode != 0:
            if any(word in run.stderr for word in UNREACHABLE):
                print(f"\n*** SKIPPED: {project} cannot be installed, the npm registry is unreachable ***\n{run.stderr[-600:]}",
                      flush=True)
                raise unittest.SkipTest("the npm registry is unreachable")
            raise AssertionError(f"npm ci of {project} failed:\n{run.stderr[-4000:]}")
        with open(stamp, "w") as file:
            file.write(wanted)
    return target
