import { Dices, Lock, LockOpen, X } from "lucide-preact";
import { t } from "../i18n";
import { ask, wish } from "../state/wish";
import { shownResult } from "../state/work";
import { IconButton } from "../ui/Button";
import { Field } from "../ui/Fields";
import { focusNext } from "./focus";
import { complaints } from "./options";
import { drawSeed } from "./seeds";

/** A seed, or none; drawn, kept, or taken from the result that is looked at. */
export function SeedField() {
  const words = t().prompt;
  const { seed, seedLocked } = wish.value;
  const shown = shownResult.value?.result.seed;
  return (
    <div class="panel-seed">
      <Field
        label={words.seed}
        hint={seed && !seedLocked ? words.seedOnce : words.seedHint}
        error={complaints.value.seed}
      >
        {(of) => (
          <div class="panel-with-buttons">
            <input
              {...of}
              type="text"
              inputMode="numeric"
              autocomplete="off"
              spellcheck={false}
              maxLength={19}
              placeholder={words.seedAny}
              value={seed}
              onInput={(event) => ask({ seed: event.currentTarget.value.trim() })}
            />
            {seed && (
              <IconButton
                icon={X}
                label={words.randomSeed}
                onClick={(event) => {
                  focusNext(event.currentTarget.parentElement, "input");
                  ask({ seed: "", seedLocked: false });
                }}
              />
            )}
            <IconButton icon={Dices} label={words.dice} onClick={() => ask({ seed: drawSeed() })} />
            <IconButton
              icon={seedLocked ? Lock : LockOpen}
              label={words.lockSeed}
              pressed={seedLocked}
              onClick={() => ask({ seedLocked: !seedLocked })}
            />
          </div>
        )}
      </Field>
      {shown && shown !== seed && (
        <button
          type="button"
          class="panel-chip"
          onClick={(event) => {
            focusNext(event.currentTarget.parentElement, "input");
            ask({ seed: shown, seedLocked: true });
          }}
        >
          {words.reuseSeed(shown)}
        </button>
      )}
    </div>
  );
}
