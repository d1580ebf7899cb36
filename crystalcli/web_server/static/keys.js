// Keys: / goes to the box, the arrows go through results, Escape goes back.
"use strict";
