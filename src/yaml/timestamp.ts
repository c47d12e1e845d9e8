/**
 * Which unquoted words Psych reads as a date or a time, which `YAML.safe_load` then refuses. The writer quotes them.
 *
 * A word of that shape that names no day (`2024-02-30`) stays a string, so validity counts. Ruby's calendar is the Julian one up to
 * 4 October 1582 and the Gregorian one from 15 October on; its times are laxer and roll 31 February over into March.
 */

const DATE = /^(\d{4})-(1[012]|0\d|\d)-([12]\d|3[01]|0\d|\d)$/;
const TIME = /^-?\d{4}-(\d{1,2})-(\d{1,2})(?:[Tt]|\s+)(\d{1,2}):(\d\d):(\d\d)(\.\d*)?(?:\s*(?:Z|([-+]\d{1,2}):?(\d\d)?))?$/;

/** Whether Psych takes the word for a date or a time. */
export function isTimestamp(text: string): boolean {
  return isDate(text) || isTime(text);
}

function isDate(text: string): boolean {
  const [year, month, day] = (DATE.exec(text) ?? []).slice(1).map(Number);
  if (year === undefined || month === undefined || day === undefined) return false;
  if (year === 1582 && month === 10 && day > 4 && day < 15) return false;
  return day >= 1 && day <= daysIn(year, month);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month] ?? 0;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year <= 1582 || year % 100 !== 0 || year % 400 === 0);
}

function isTime(text: string): boolean {
  const match = TIME.exec(text);
  if (match === null) return false;
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 6).map(Number);
  const offsetHours = Math.abs(Number(match[7] ?? 0));
  const inDay = hour < 24 || (hour === 24 && minute === 0 && second === 0);
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && inDay && minute < 60 && second <= 60 && offsetHours < 24;
}
