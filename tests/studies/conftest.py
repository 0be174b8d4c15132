"""For the modules beside the tests of studies, such as small_study."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
