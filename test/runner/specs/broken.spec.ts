const text: i32 = 'not a number';
