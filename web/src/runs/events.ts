/**
 * Follows tasks: one stream of events for all, and questions where it does not flow.
 *
 * The stream is there only while a task is open. When it breaks, or a proxy swallows it, tasks are
 * asked for one by one until it flows again; so nothing depends on it but how quickly news comes.
 */
import { effect } from "@preact/signals";
import { signedOut } from "../state/session";
import type { Rect } from "../state/types";
import { eventsUrl, getTask, type TaskOutput } from "./api";
import { backoff, Failed, signedIn } from "./http";

export interface News {
  onTask: (output: TaskOutput) => void;
  onPreview: (taskId: string, preview: { url: string; box: Rect }) => void;
}

/** Quiet for so long: ask, the stream may be dead without knowing. The server breathes every 15 s. */
const QUIET_MS = 40_000;
const FIRST_POLL_MS = 1000;
const LONGEST_POLL_MS = 8000;
const LONGEST_RETRY_MS = 30_000;
/** More would make too long an address; the rest is asked for. */
const MOST_STREAMED = 40;

export class Follower {
  private ids: string[] = [];
  private source: EventSource | null = null;
  private streamed = "";
  private flows = false;
  private failures = 0;
  private heard = 0;
  private reopening: ReturnType<typeof setTimeout> | undefined;
  private polling: ReturnType<typeof setTimeout> | undefined;
  private polls = 0;
  private asking: AbortController | null = null;

  constructor(private readonly news: News) {
    effect(() => {
      if (signedOut.value) this.close();
      else this.restart();
    });
  }

  /** Follow these tasks and no others. */
  follow(ids: readonly string[]): void {
    const next = [...new Set(ids)].sort();
    if (next.join() === this.ids.join()) return;
    this.ids = next;
    this.restart();
  }

  /** Look again at once: the network is back, or somebody looks at the page. */
  wake(): void {
    if (this.ids.length === 0 || signedOut.peek()) return;
    if (!this.flows || Date.now() - this.heard > QUIET_MS / 2) {
      this.failures = 0;
      this.streamed = "";
      this.restart();
      this.poll(0);
    }
  }

  close(): void {
    clearTimeout(this.reopening);
    clearTimeout(this.polling);
    this.asking?.abort();
    this.asking = null;
    this.source?.close();
    this.source = null;
    this.streamed = "";
    this.flows = false;
  }

  private restart(): void {
    if (this.ids.length === 0 || signedOut.peek()) {
      this.close();
      return;
    }
    const some = this.ids.slice(0, MOST_STREAMED);
    // Fewer than before: the stream that is there tells of them too.
    const told = new Set(this.streamed.split(","));
    if (!this.source || some.some((id) => !told.has(id))) this.open(some);
    // Until it flows, and for those that it does not carry.
    this.polls = 0;
    this.poll(this.flows ? QUIET_MS : FIRST_POLL_MS);
  }

  private open(ids: string[]): void {
    clearTimeout(this.reopening);
    this.source?.close();
    this.flows = false;
    if (typeof EventSource === "undefined") return;
    const source = new EventSource(eventsUrl(ids));
    this.source = source;
    this.streamed = ids.join();
    const on = (name: string, then: (data: unknown) => void) => {
      source.addEventListener(name, (event) => {
        if (source !== this.source) return;
        this.hears();
        then(parsed((event as MessageEvent<string>).data));
      });
    };
    on("task", (data) => isTask(data) && this.tell(data));
    on("preview", (data) => isPreview(data) && this.news.onPreview(data.task_id, data));
    on("end", () => {
      this.source?.close();
      this.source = null;
      this.streamed = "";
      this.flows = false;
      // All have ended; should one not know of it, it is asked for.
      if (this.ids.length > 0) this.poll(FIRST_POLL_MS);
    });
    source.onopen = () => {
      if (source === this.source) this.hears();
    };
    source.onerror = () => {
      if (source !== this.source) return;
      // Its own way to connect again knows no patience, and gives up at an HTTP error.
      source.close();
      this.source = null;
      this.streamed = "";
      this.flows = false;
      this.failures++;
      this.reopening = setTimeout(() => this.restart(), backoff(this.failures, LONGEST_RETRY_MS));
      this.polls = 0;
      this.poll(0);
    };
  }

  private hears(): void {
    this.heard = Date.now();
    if (!this.flows) {
      this.flows = true;
      this.failures = 0;
      if (this.ids.length <= MOST_STREAMED) this.poll(QUIET_MS);
    }
  }

  private tell(output: TaskOutput): void {
    this.news.onTask(output);
  }

  private poll(after_ms: number): void {
    clearTimeout(this.polling);
    this.polling = setTimeout(() => void this.askAll(), after_ms);
  }

  private async askAll(): Promise<void> {
    if (this.flows && this.ids.length <= MOST_STREAMED && Date.now() - this.heard < QUIET_MS) {
      return this.poll(QUIET_MS);
    }
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    let wanted = 0;
    for (const id of this.ids) {
      try {
        const output = await getTask(id, { signal: asking.signal, tries: 1 });
        if (asking.signal.aborted) return;
        this.tell(output);
      } catch (error) {
        if (asking.signal.aborted) return;
        if (!(error instanceof Failed)) throw error;
        if (error.problem.status === 401) return void signedIn().then(() => this.restart());
        wanted = error.retryAfter ?? 0;
        break; // it does not answer: not to be asked for the others either
      }
    }
    this.heard = Math.max(this.heard, this.flows ? Date.now() : 0);
    this.polls++;
    const next = this.flows ? QUIET_MS : backoff(this.polls + 1, LONGEST_POLL_MS);
    if (this.ids.length > 0) this.poll(Math.max(next, wanted));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isTask(data: unknown): data is TaskOutput {
  const said = data as Partial<TaskOutput> | null;
  return typeof said?.task_id === "string" && typeof said.task_status === "string";
}

function isPreview(data: unknown): data is { task_id: string; url: string; box: Rect } {
  const said = data as { task_id?: unknown; url?: unknown; box?: unknown } | null;
  // Nothing but a picture in the answer itself.
  const picture = typeof said?.url === "string" && said.url.startsWith("data:image/");
  return picture && typeof said?.task_id === "string" && typeof said.box === "object" && !!said.box;
}
