// Two tools: what the first answers follows from what it is asked; what the second answers does not.
export const convert = ({ degrees, into }) => (into === "kelvin" ? degrees + 273.15 : degrees * 1.8 + 32)

let drawn = 0
export const lottery = async () => ++drawn % 50
