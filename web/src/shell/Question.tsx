import { useRef } from "preact/hooks";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import type { Question } from "./question";

/** A question with two answers; closing it is a no. */
export function QuestionDialog({ title, text, yes, no, danger, answer }: Question) {
  const said = useRef(false);
  const give = (value: boolean) => {
    if (said.current) return;
    said.current = true;
    answer(value);
  };
  return (
    <Dialog
      title={title}
      onClose={() => give(false)}
      actions={
        <>
          <Button kind="quiet" data-focus={danger} onClick={() => give(false)}>
            {no}
          </Button>
          <Button
            kind={danger ? "danger" : "primary"}
            data-focus={!danger}
            onClick={() => give(true)}
          >
            {yes}
          </Button>
        </>
      }
    >
      <div class="shell-prose">
        {text.map((one) => (
          <p key={one}>{one}</p>
        ))}
      </div>
    </Dialog>
  );
}
