/** The functions a query may call: SQLite's harmless ones, and ours (functions.ts). */

const SCALAR = `abs char coalesce concat concat_ws format glob hex if ifnull iif instr length like
  likelihood likely lower ltrim max min nullif octet_length printf quote random randomblob replace
  round rtrim sign soundex sqlite_version substr substring trim typeof unhex unicode unistr
  unistr_quote unlikely upper zeroblob`;

const MATH = `acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log
  log10 log2 mod pi pow power radians sin sinh sqrt tan tanh trunc`;

const TIME = `current_date current_time current_timestamp date datetime julianday strftime time
  timediff unixepoch`;

const JSON = `-> ->> json json_array json_array_insert json_array_length json_error_position
  json_extract json_insert json_object json_patch json_pretty json_quote json_remove json_replace
  json_set json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_extract jsonb_insert
  jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set`;

const AGGREGATE = `avg count group_concat json_group_array json_group_object jsonb_group_array
  jsonb_group_object median percentile percentile_cont percentile_disc string_agg sum total`;

const WINDOW = `cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank
  rank row_number`;

/** Names of our own functions, as osquery has them. */
const OURS = `community_id_v1 community_id_v1_strict conditional_to_base64 cot
  find_file_path_in_cmd from_base64 in_cidr_block inet_aton is_path_deterministic md5
  parent_directory regex_match regex_split sha1 sha256 split to_base64 version_compare`;

export const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set(
  [SCALAR, MATH, TIME, JSON, AGGREGATE, WINDOW, OURS].flatMap((names) => names.split(/\s+/)),
);
