"""python tests/litellm/recorder FOLDER FIRST LAST: records the scenarios FIRST to LAST - 1 into FOLDER."""

import json
import os
import sys

from record import record
from scenarios import scenario


def main():
    folder, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.makedirs(folder, exist_ok=True)
    failed = 0
    for n in range(first, last):
        # each in a process of its own: LiteLLM keeps what it learns of models and callbacks in its modules
        child = os.fork()
        if child == 0:
            file = record(scenario(n))
            with open(f"{folder}/{file['name']}.json", "w") as out:
                json.dump(file, out, separators=(",", ":"))
                out.write("\n")
            sys.stdout.flush()
            os._exit(0)
        failed += os.waitpid(child, 0)[1] != 0
    print(f"{last - first - failed} recorded, {failed} failed")
    sys.exit(failed > 0)


main()
