import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

export interface SliderProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step?: number;
  /** The value in words: "64 px". */
  shown?: string;
  disabled?: boolean;
  /** Why it is disabled, or what it does. */
  hint?: string;
  onInput: (value: number) => void;
}

/** A range with its value beside its name. */
export function Slider({
  label,
  value,
  min,
  max,
  step = 1,
  shown,
  disabled,
  hint,
  onInput,
}: SliderProps) {
  const id = useId();
  return (
    <div class="field slider">
      <div class="field-head">
        <label for={id}>{label}</label>
        <output for={id}>{shown ?? value}</output>
      </div>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        style={{ "--fill": (value - min) / (max - min || 1) }}
        disabled={disabled}
        aria-valuetext={shown}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onInput(Number(event.currentTarget.value))}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export interface SwitchProps {
  label: string;
  checked: boolean;
  disabled?: boolean;
  hint?: string;
  onChange: (checked: boolean) => void;
}

/** On or off. */
export function Switch({ label, checked, disabled, hint, onChange }: SwitchProps) {
  const id = useId();
  return (
    <div class="field switch">
      <input
        id={id}
        type="checkbox"
        role="switch"
        checked={checked}
        aria-checked={checked}
        disabled={disabled}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export interface FieldProps {
  label: string;
  hint?: string;
  /** What is wrong with what stands in it. */
  error?: string;
  children: (of: {
    id: string;
    "aria-describedby": string | undefined;
    "aria-invalid": boolean | undefined;
  }) => ComponentChildren;
}

/** A name, a field, and what is to be said of it. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const said = error ?? hint;
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{label}</label>
      </div>
      {children({
        id,
        "aria-describedby": said ? `${id}-said` : undefined,
        "aria-invalid": error ? true : undefined,
      })}
      {said && (
        <p class={error ? "hint error" : "hint"} id={`${id}-said`}>
          {said}
        </p>
      )}
    </div>
  );
}

export interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: ReadonlyArray<{
    value: T;
    label: ComponentChildren;
    disabled?: boolean;
    title?: string;
  }>;
  onChange: (value: T) => void;
}

/** One of a few, all seen at once; arrow keys go from one to the next. */
export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class="sr-only">{label}</legend>
      {options.map((option) => (
        <label key={option.value} title={option.title}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            disabled={option.disabled}
            onChange={() => onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** A native list; the platform draws it. */
export function Select<T extends string>({
  options,
  value,
  onChange,
  ...rest
}: Omit<JSX.IntrinsicElements["select"], "onChange" | "value"> & {
  options: ReadonlyArray<{ value: T; label: string; disabled?: boolean }>;
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <select {...rest} class="select" onChange={(event) => onChange(event.currentTarget.value as T)}>
      {options.map((option) => (
        <option
          key={option.value}
          value={option.value}
          disabled={option.disabled}
          selected={option.value === value}
        >
          {option.label}
        </option>
      ))}
    </select>
  );
}
