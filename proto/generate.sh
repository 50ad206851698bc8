#!/usr/bin/env bash
# Regenerates api/src/brain_api from proto/. `make proto` runs it; a test checks that it would change nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
out="${1:-api/src}"
python="${PYTHON:-python}"
"$python" -m grpc_tools.protoc --proto_path=proto --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
    proto/brain_api/rca/v1/rca.proto
touch "$out/brain_api/rca/__init__.py" "$out/brain_api/rca/v1/__init__.py"
