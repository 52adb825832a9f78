// What the core needs to keep uploaded files.

/** A file that a tenant has uploaded, or is about to. */
export interface StoredFile {
  id: string;
  tenant: string;
  name: string;
  /** Media type. */
  type: string;
  /** Bytes. */
  size: number;
  createdAt: number;
}

export interface FileStore {
  /** Records the file; its bytes come later, by `uploadUrl` or `write`. */
  add(file: StoredFile): Promise<void>;
  get(tenant: string, id: string): Promise<StoredFile | undefined>;
  /** Where the bytes are PUT, as many as were announced, within UPLOAD_SECONDS. */
  uploadUrl(file: StoredFile): Promise<{ url: string; headers: Record<string, string> }>;
  /** Where they are read without a key, within UPLOAD_SECONDS. */
  downloadUrl(file: StoredFile): Promise<string>;
  write(file: StoredFile, bytes: Uint8Array): Promise<void>;
  isUploaded(file: StoredFile): Promise<boolean>;
  /** Undefined while nothing was uploaded, and after it has expired. */
  read(file: StoredFile): Promise<Uint8Array | undefined>;
}

export interface OpenFile {
  bytes: Uint8Array;
  /** Empty where nobody said. */
  name: string;
  type: string;
  /** Of a text, where whoever sent it said. */
  charset?: string;
}

/** A file that cannot be had; the message is for the author. Fails the node that asked. */
export class UnopenedFile extends Error {
  readonly retryable: boolean;
  constructor(message: string, retryable = false) {
    super(message);
    this.retryable = retryable;
  }
}
