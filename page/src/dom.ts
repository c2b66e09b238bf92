// Elements in few words. What comes out of the data goes in as text, never as HTML.

type Child = Node | string | null | undefined | false;

/** An element with attributes and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | EventListener> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => child != null && child !== false));
  return element;
}

/** A colour or length of the style sheet. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A colour of the style sheet, which is written as `#rrggbb`. */
export function rgb(name: string): [number, number, number] {
  const value = Number.parseInt(token(name).slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
