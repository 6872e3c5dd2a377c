"""What Schemathesis loads."""

import formats
import parse_in_turn
