"""What a hand does on the pages, as scripts for Chromium that return the milliseconds of each move.

Each script fails if what is computed ahead is not painted in the next frame, or if an answer does not come. The tests
ask for that; how long it takes is measured by ``benchmarks.browser``, since a busy machine makes every time wrong.
"""

MOVE_A_SLIDER = """async (input) => {
    const frame = () => new Promise(requestAnimationFrame);
    const shown = () => input.getRootNode().querySelector(`[data-value=${input.dataset.setting}]`).textContent;
    const [least, most, step] = [Number(input.min), Number(input.max), Number(input.step)];
    const positions = Math.round((most - least) / step);
    const times = [];
    for (let move = 0; move < 30; move++) {
        await frame();
        await new Promise((done) => setTimeout(done, 5)); // as a hand does, somewhere between two frames
        const before = shown();
        const position = Math.round((Number(input.value) - least) / step);
        const start = performance.now();
        input.value = least + ((position + 7) % positions) * step;
        input.dispatchEvent(new Event("input"));
        await frame(); // the picture is painted in this one
        if (shown() === before) throw new Error(`${before} was not replaced in the next frame`);
        await frame(); // and was on the screen before this one
        times.push(performance.now() - start);
    }
    return times;
}"""

DRAG_A_REGION = """async (pad) => {
    const shown = pad.getRootNode().querySelector(".region");
    const frame = () => new Promise(requestAnimationFrame);
    const place = pad.getBoundingClientRect();
    const point = (name, at) => pad.dispatchEvent(new PointerEvent(name, {
        pointerId: 1, bubbles: true, button: name === "pointermove" ? -1 : 0,
        clientX: place.left + at * place.width, clientY: place.top + 0.6 * place.height,
    }));
    pad.setPointerCapture = () => {}; // it knows only pointers of a hand
    point("pointerdown", 0.48);
    const times = [];
    for (let step = 1; step <= 30; step++) {
        await frame();
        await new Promise((done) => setTimeout(done, 5)); // as a hand does, somewhere between two frames
        const before = shown.textContent;
        const start = performance.now();
        point("pointermove", 0.48 + step / 100);
        await frame(); // the picture is painted in this one
        if (shown.textContent === before) throw new Error(`step ${step} was not painted in the next frame`);
        await frame(); // and was on the screen before this one
        times.push(performance.now() - start);
    }
    point("pointerup", 0.78);
    return times;
}"""

LET_A_REGION_GO = """async (pad) => {
    const root = pad.getRootNode();
    const table = root.querySelector(".errors");
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    for (let turn = 0; turn < 9; turn++) {
        const key = { key: turn % 2 ? "ArrowLeft" : "ArrowRight", bubbles: true };
        pad.dispatchEvent(new KeyboardEvent("keydown", key));
        await new Promise((done) => setTimeout(done, 300)); // what was asked while it moved has been answered
        const before = table.firstChild;
        const start = performance.now();
        pad.dispatchEvent(new KeyboardEvent("keyup", key));
        while (table.firstChild === before) {
            await frame();
            if (performance.now() - start > 5000) throw new Error("no answer came");
        }
        await frame();
        times.push(performance.now() - start);
        await new Promise((done) => setTimeout(done, 100));
    }
    return times;
}"""

MOVE_A_BOX = """async (root) => {
    const field = root.querySelector("tbody input");
    const output = field.closest("tr").children[2];
    const times = [];
    for (let step = 0; step < 15; step++) {
        const before = output.textContent;
        const start = performance.now();
        field.value = 80 + 5 * step;
        field.dispatchEvent(new Event("change"));
        while (output.textContent === before) {
            await new Promise(requestAnimationFrame);
            if (performance.now() - start > 10000) throw new Error("there was no answer");
        }
        times.push(performance.now() - start);
        await new Promise((done) => setTimeout(done, 50));
    }
    return times;
}"""

DRAW_A_CELL = """async (root) => {
    const tiles = root.querySelector(".tiles");
    const shown = root.querySelector("canvas[data-tile=nearest]");
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    tiles.focus();
    for (let turn = 0; turn < 15; turn++) {
        const before = shown.toDataURL();
        const start = performance.now();
        tiles.dispatchEvent(new KeyboardEvent("keydown", { key: " ", bubbles: true }));
        while (shown.toDataURL() === before) {
            await frame();
            if (performance.now() - start > 10000) throw new Error(`cell ${turn} had no answer`);
        }
        times.push(performance.now() - start);
        await new Promise((done) => setTimeout(done, 100));
    }
    return times;
}"""
