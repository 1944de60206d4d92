// Before `npm pack`: dist as src says, also in a fresh clone; the lines about it go to standard error.
import { setUp } from './setup.mjs';

setUp();
