/** Addresses that people put passwords into. */

/**
 * A text with the user and password taken out of every URL in it, and the values of parameters whose
 * name says that they let somebody in: `https://ann:pw@host/a?token=x` is `https://host/a?token=`.
 * A user alone goes too, as archives take a token for one. A password with a raw slash in it, which
 * no program would take for one, goes as well: a host is not followed by a colon and letters.
 */
export function withoutSecrets(text: string): string {
  return text.replace(USER, '$1').replace(PARAMETER, '$1');
}

const USER =
  /([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/?#]*@|[^\s/?#@:[\]]*:(?!\d*(?:[/?#,\s]|$))[^\s@]*@)/gi;
const PARAMETER =
  /([?&;][^\s=&;#]*(?:token|secret|passw|pwd|auth|signature|credential|api_?key|access_?key)[^\s=&;#]*=)[^\s&;#,]*/gi;
