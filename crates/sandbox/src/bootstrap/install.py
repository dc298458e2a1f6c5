# Puts the wheels of /packages into /workspace/.site-packages, in the place of other versions of the same packages. It has
# no network. With the argument `clean` nothing else stays.

import csv
import glob
import os
import re
import shutil
import subprocess
import sys

TARGET = "/workspace/.site-packages"
WORK = "/workspace/.inline-install"


def name(path):
    """Returns the name of the package of a wheel or a `.dist-info`, as packages are compared by."""
    return re.sub(r"[-_.]+", "-", os.path.basename(path).split("-")[0]).lower()


def remove(info):
    """Removes the files of an installed package, and the directories that they leave empty."""
    try:
        with open(os.path.join(info, "RECORD"), newline="", encoding="utf-8") as record:
            files = [row[0] for row in csv.reader(record) if row]
    except OSError:
        files = []
    parents = set()
    for file in files:
        path = os.path.normpath(os.path.join(TARGET, file))
        if not path.startswith(TARGET + "/"):
            continue
        try:
            os.unlink(path)
        except OSError:
            pass
        parents.add(os.path.dirname(path))
    shutil.rmtree(info, ignore_errors=True)
    for parent in sorted(parents, key=len, reverse=True):
        while parent != TARGET:
            shutil.rmtree(os.path.join(parent, "__pycache__"), ignore_errors=True)
            try:
                os.rmdir(parent)
            except OSError:
                break
            parent = os.path.dirname(parent)


def merge(source, target):
    """Moves a tree into another, so that packages that share a directory keep what is theirs."""
    for directory, _, files in os.walk(source):
        into = os.path.join(target, os.path.relpath(directory, source))
        os.makedirs(into, exist_ok=True)
        for file in files:
            os.replace(os.path.join(directory, file), os.path.join(into, file))


wheels = sorted(glob.glob("/packages/*.whl"))
shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK + "/tmp")
os.environ["TMPDIR"] = WORK + "/tmp"
try:
    status = 0
    if wheels:
        pip = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", WORK + "/new"]
        status = subprocess.call([*pip, "--", *wheels])
    if status == 0:
        if sys.argv[1:] == ["clean"]:
            shutil.rmtree(TARGET, ignore_errors=True)
        replaced = {name(wheel) for wheel in wheels}
        for info in glob.glob(TARGET + "/*.dist-info"):
            if name(info) in replaced:
                remove(info)
        if wheels:
            merge(WORK + "/new", TARGET)
        for wheel in wheels:
            print("installed", *os.path.basename(wheel).split("-")[:2])
finally:
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(status)
