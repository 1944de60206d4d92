export declare class Session {
  /** Seals one message, at most 256 KiB - 17; the result is one frame's body. @throws SecureError `closed` */
  seal(plain: Uint8Array): Uint8Array;
  /** The message, or undefined for a control frame; then drain `pollSend`. Any failure closes the session for good. @throws SecureError */
  open(frame: Uint8Array): Uint8Array | undefined;
  /** Control frames (already sealed) to send before anything sealed later. Drain after `open` and `startRekey`. */
  pollSend(): Uint8Array | undefined;
  /** True on the initiator 120 s or 2^20 frames after the last change of keys. */
  needsRekey(nowMono: number): boolean;
  startRekey(nowMono: number): void;
  /** 32 bytes bound to this session, for the purpose named by `label`. */
  exporter(label: string): Uint8Array;
  close(): void;
  readonly closed: boolean;
}
